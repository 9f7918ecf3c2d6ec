#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

operation_t operation_new(uint32_t type, uint64_t address, uint32_t size, uint8_t *data) {
    operation_t operation;
    memset(&operation, 0, sizeof operation);
    operation.type = type;
    operation.address = address;
    operation.size = size;
    operation.data = data;
    operation.outcome = OUTCOME_PENDING;
    return operation;
}

void operation_finish(operation_t *operation, outcome_t outcome, const char *error) {
    operation->outcome = outcome;
    if (error != NULL) {
        free(operation->error);
        operation->error = escape_text((const uint8_t *)error, strlen(error));
    }
}

void operation_clear(operation_t *operation) {
    free(operation->error);
    operation->error = NULL;
}
