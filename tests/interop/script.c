#include "script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "support.h"

/* Enough for a raw message of 100 parts. */
#define WORDS_MAX 110
#define BLOCK_OCTETS_MAX (16U << 20)
#define BURST_COUNT_MAX 1000000U
#define STATE_OCTETS_MAX 512
/* What a read's buffer holds beforehand, and must still hold when the read fails. */
#define UNTOUCHED_OCTET 0x5E
/* How long answers that nobody asked for are looked out for at the end. */
#define SETTLE_MS 100U

/* One command between its issue and its answer line. */
typedef struct task {
    uint64_t number;
    operation_t operation;
    bool checks;
    uint64_t seed;
    struct task *next;
} task_t;

typedef struct script {
    engine_t *engine;
    uint64_t number;
    task_t *started; /* oldest first */
    task_t *posted;  /* answered at once, their outcome still open */
} script_t;

static int split(char *line, char **words) {
    int count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (count == WORDS_MAX) {
            fatal(EXIT_USAGE, "a command has more than %d words", WORDS_MAX);
        }
        words[count] = word;
        count += 1;
    }
    return count;
}

static uint32_t block_size(const char *text) {
    uint64_t size = parse_number(text, "size");
    if (size > BLOCK_OCTETS_MAX) {
        fatal(EXIT_USAGE, "a block of %s octets is too large", text);
    }
    return (uint32_t)size;
}

static task_t *task_new(script_t *script, uint32_t type, uint64_t address, uint32_t size) {
    task_t *task = must_alloc(sizeof *task);
    task->number = script->number;
    task->operation = operation_new(type, address, size, must_alloc(size));
    memset(task->operation.data, UNTOUCHED_OCTET, size);
    return task;
}

static void task_free(task_t *task) {
    free(task->operation.data);
    operation_clear(&task->operation);
    free(task);
}

/* The task that a command stands for, issued; NULL when the words are no transaction. */
static task_t *task_issue(script_t *script, char **words, int count) {
    task_t *task;
    if (count == 3 && (strcmp(words[0], "read") == 0 || strcmp(words[0], "verify") == 0)) {
        uint32_t type = words[0][0] == 'r' ? TYPE_READ : TYPE_VERIFY;
        task = task_new(script, type, parse_number(words[1], "address"), block_size(words[2]));
    } else if (count == 3 && (strcmp(words[0], "write") == 0 || strcmp(words[0], "post") == 0)) {
        uint32_t type = words[0][0] == 'w' ? TYPE_WRITE : TYPE_POST;
        uint32_t size = (uint32_t)(strlen(words[2]) / 2);
        task = task_new(script, type, parse_number(words[1], "address"), size);
        if (hex_decode(words[2], task->operation.data, size) != (long)size) {
            fatal(EXIT_USAGE, "\"%s\" is not hexadecimal", words[2]);
        }
    } else if (count == 4 && (strcmp(words[0], "fill") == 0 || strcmp(words[0], "check") == 0)) {
        bool checks = words[0][0] == 'c';
        uint64_t address = parse_number(words[1], "address");
        task = task_new(script, checks ? TYPE_READ : TYPE_WRITE, address, block_size(words[2]));
        task->seed = parse_number(words[3], "seed");
        task->checks = checks;
        for (uint32_t i = 0; !checks && i < task->operation.size; i++) {
            task->operation.data[i] = pattern_octet(address + i, task->seed);
        }
    } else {
        return NULL;
    }
    script->engine->issue(script->engine, &task->operation);
    return task;
}

static uint32_t first_difference(const uint8_t *data, uint64_t address, uint32_t size,
                                 uint64_t seed) {
    uint32_t i = 0;
    while (i < size && data[i] == pattern_octet(address + i, seed)) {
        i += 1;
    }
    return i;
}

/* A read that failed leaves the caller's buffer alone. */
static void check_untouched(const operation_t *operation) {
    for (uint32_t i = 0; i < operation->size; i++) {
        if (operation->data[i] != UNTOUCHED_OCTET) {
            fatal(EXIT_DIFFERENCE, "a failed read changed octet %" PRIu32 " of its buffer", i);
        }
    }
}

/* Waits for a task, prints its line and frees it. */
static void task_answer(script_t *script, task_t *task) {
    operation_t *operation = &task->operation;
    script->engine->wait(script->engine, operation);
    const char *error = operation->error != NULL ? operation->error : "";
    if (operation->outcome != OUTCOME_OK && !type_carries_data(operation->type)) {
        check_untouched(operation);
    }
    if (operation->outcome == OUTCOME_FAILED) {
        say("%" PRIu64 " error %s", task->number, error);
    } else if (operation->outcome == OUTCOME_UNKNOWN) {
        say("%" PRIu64 " unknown %s", task->number, error);
    } else if (operation->outcome == OUTCOME_FOREIGN) {
        say("%" PRIu64 " foreign %s", task->number, error);
    } else if (task->checks) {
        uint32_t same =
            first_difference(operation->data, operation->address, operation->size, task->seed);
        if (same == operation->size) {
            say("%" PRIu64 " ok", task->number);
        } else {
            say("%" PRIu64 " differs at %" PRIu32, task->number, same);
        }
    } else if (type_carries_data(operation->type)) {
        say("%" PRIu64 " ok", task->number);
    } else {
        char *hex = hex_encode(operation->data, operation->size);
        say("%" PRIu64 " ok %s", task->number, hex);
        free(hex);
    }
    task_free(task);
}

static void task_append(task_t **list, task_t *task) {
    while (*list != NULL) {
        list = &(*list)->next;
    }
    *list = task;
}

static task_t *task_take(task_t **list) {
    task_t *task = *list;
    *list = task->next;
    return task;
}

/* Many reads of `size` octets, all issued before the first is waited for. */
static void burst(script_t *script, char **words) {
    engine_t *engine = script->engine;
    uint64_t address = parse_number(words[1], "address");
    uint32_t size = block_size(words[2]);
    uint64_t count = parse_number(words[3], "count");
    uint64_t step = parse_number(words[4], "step");
    uint64_t seed = parse_number(words[5], "seed");
    uint64_t ok = 0, failed = 0, unknown = 0, differing = 0;
    if (count > BURST_COUNT_MAX) {
        fatal(EXIT_USAGE, "a burst of more than %u reads", BURST_COUNT_MAX);
    }
    operation_t *operations = must_alloc(count * sizeof operations[0]);
    uint8_t *data = must_alloc(count * size);
    for (uint64_t i = 0; i < count; i++) {
        operations[i] = operation_new(TYPE_READ, address + i * step, size, data + i * size);
        engine->issue(engine, &operations[i]);
    }
    for (uint64_t i = 0; i < count; i++) {
        operation_t *operation = &operations[i];
        engine->wait(engine, operation);
        if (operation->outcome == OUTCOME_UNKNOWN) {
            unknown += 1;
        } else if (operation->outcome != OUTCOME_OK) {
            failed += 1;
        } else if (first_difference(operation->data, operation->address, size, seed) != size) {
            differing += 1;
        } else {
            ok += 1;
        }
        operation_clear(operation);
    }
    say("%" PRIu64 " burst ok=%" PRIu64 " failed=%" PRIu64 " unknown=%" PRIu64
        " differing=%" PRIu64,
        script->number, ok, failed, unknown, differing);
    free(operations);
    free(data);
}

static void raw(script_t *script, char **words, int count) {
    uint8_t *parts[WORDS_MAX];
    size_t sizes[WORDS_MAX];
    if (script->engine->send_raw == NULL) {
        fatal(EXIT_USAGE, "this client cannot send raw messages");
    }
    for (int i = 0; i < count; i++) {
        const char *text = strcmp(words[i], "-") == 0 ? "" : words[i];
        sizes[i] = strlen(text) / 2;
        parts[i] = must_alloc(sizes[i]);
        if (hex_decode(text, parts[i], sizes[i]) != (long)sizes[i]) {
            fatal(EXIT_USAGE, "\"%s\" is not hexadecimal", text);
        }
    }
    bool sent = script->engine->send_raw(script->engine, parts, sizes, count);
    say("%" PRIu64 " %s", script->number, sent ? "ok" : "not sent");
    for (int i = 0; i < count; i++) {
        free(parts[i]);
    }
}

/* Commands that are no transactions; false when the words are none of them either. */
static bool control(script_t *script, char **words, int count) {
    engine_t *engine = script->engine;
    if (count == 1 && strcmp(words[0], "wait") == 0) {
        while (script->started != NULL) {
            task_answer(script, task_take(&script->started));
        }
    } else if (count == 2 && strcmp(words[0], "ready") == 0) {
        bool ready = engine->wait_ready(engine, parse_seconds(words[1], "ready"));
        say("%" PRIu64 " %s", script->number, ready ? "ready" : "not ready");
    } else if (count == 2 && strcmp(words[0], "timeout") == 0) {
        engine->set_timeout(engine, parse_seconds(words[1], "timeout"));
        say("%" PRIu64 " ok", script->number);
    } else if (count == 1 && strcmp(words[0], "counters") == 0) {
        engine->print_counters(engine);
    } else if (count == 1 && strcmp(words[0], "state") == 0 && engine->state != NULL) {
        char text[STATE_OCTETS_MAX] = "";
        engine->state(engine, text, sizeof text);
        say("%" PRIu64 " state %s", script->number, text);
    } else if (count > 1 && strcmp(words[0], "raw") == 0) {
        raw(script, words + 1, count - 1);
    } else if (count == 6 && strcmp(words[0], "burst") == 0) {
        burst(script, words);
    } else {
        return false;
    }
    return true;
}

static void run_line(script_t *script, char *line) {
    char *words[WORDS_MAX];
    int count = split(line, words);
    if (count == 0) {
        return;
    }
    script->number += 1;
    bool starts = count > 1 && strcmp(words[0], "start") == 0;
    if (!starts && control(script, words, count)) {
        return;
    }
    task_t *task = task_issue(script, words + starts, count - starts);
    if (task == NULL) {
        fatal(EXIT_USAGE, "unknown command \"%s\" with %d words", words[0], count);
    }
    if (starts) {
        say("%" PRIu64 " started", task->number);
        task_append(&script->started, task);
    } else if (task->operation.type == TYPE_POST && script->engine->posts_are_answered) {
        /* Done for its caller once it has been handed over; its answer is looked at later. */
        say("%" PRIu64 " ok", task->number);
        task_append(&script->posted, task);
    } else {
        task_answer(script, task);
    }
}

/* Waits for the answers to Posts; the number of those that did not come or were errors. */
static uint64_t collect_posts(script_t *script) {
    uint64_t missing = 0;
    while (script->posted != NULL) {
        task_t *task = task_take(&script->posted);
        script->engine->wait(script->engine, &task->operation);
        missing += task->operation.outcome != OUTCOME_OK;
        task_free(task);
    }
    return missing;
}

int script_run(engine_t *engine) {
    script_t script = {engine, 0, NULL, NULL};
    line_reader_t input;
    line_reader_init(&input, STDIN_FILENO);
    while (!input.ended) {
        char *line;
        while ((line = line_reader_next(&input)) != NULL) {
            run_line(&script, line);
        }
        engine->serve_until_readable(engine, STDIN_FILENO);
        line_reader_fill(&input);
    }
    while (script.started != NULL) {
        task_answer(&script, task_take(&script.started));
    }
    uint64_t missing = collect_posts(&script);
    engine->settle(engine, SETTLE_MS);
    say("posts_unconfirmed=%" PRIu64, missing);
    engine->print_counters(engine);
    line_reader_free(&input);
    return engine->foreign(engine) == 0 ? EXIT_FINE : EXIT_DIFFERENCE;
}
