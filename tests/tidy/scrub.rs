//! Source text without its comments, strings and character literals, for scanners that only want
//! code. Lines stay where they are, and so do columns.

/// What a `'` or a raw string means differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    C,
}

/// `text` with everything that is not code turned into blanks. A string keeps its quotes, so that
/// it still stands for an operand.
pub fn scrub(text: &str, language: Language) -> String {
    let mut scrubber = Scrubber { input: text.chars().collect(), at: 0, output: String::new() };
    while scrubber.at < scrubber.input.len() {
        scrubber.step(language);
    }
    scrubber.output
}

struct Scrubber {
    input: Vec<char>,
    at: usize,
    output: String,
}

impl Scrubber {
    fn peek(&self, ahead: usize) -> char {
        self.input.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn keep(&mut self) {
        self.output.push(self.peek(0));
        self.at += 1;
    }

    fn blank(&mut self, count: usize) {
        for _ in 0..count.min(self.input.len() - self.at) {
            self.output.push(if self.peek(0) == '\n' { '\n' } else { ' ' });
            self.at += 1;
        }
    }

    fn follows_word(&self) -> bool {
        self.output.chars().next_back().is_some_and(is_word)
    }

    fn step(&mut self, language: Language) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(language),
            ('"', _) => self.string(),
            ('\'', _) if language == Language::C => self.c_character(),
            ('\'', _) => self.rust_character_or_lifetime(),
            (first, _) if is_word(first) && !self.follows_word() => self.word(language),
            ('#', _) if language == Language::C && self.starts_line() => self.directive(),
            _ => self.keep(),
        }
    }

    fn starts_line(&self) -> bool {
        self.output.rsplit('\n').next().unwrap_or_default().trim().is_empty()
    }

    fn line_comment(&mut self) {
        while self.at < self.input.len() && self.peek(0) != '\n' {
            self.blank(1);
        }
    }

    /// A preprocessor line, with those it continues on.
    fn directive(&mut self) {
        while self.at < self.input.len() && self.peek(0) != '\n' {
            let continued = self.peek(0) == '\\' && self.peek(1) == '\n';
            self.blank(if continued { 2 } else { 1 });
        }
    }

    fn block_comment(&mut self, language: Language) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') if depth == 0 || language == Language::Rust => {
                    depth += 1;
                    self.blank(2);
                }
                ('*', '/') => {
                    depth -= 1;
                    self.blank(2);
                }
                _ => self.blank(1),
            }
            if depth == 0 || self.at >= self.input.len() {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        while self.at < self.input.len() && self.peek(0) != '"' {
            self.blank(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.keep();
    }

    /// `r"..."` and `r#"..."#` of Rust, `R"x(...)x"` of C++.
    fn raw_string(&mut self, prefix: usize, end: &str) {
        let end: Vec<char> = end.chars().collect();
        self.blank(prefix);
        while self.at < self.input.len() && !self.input[self.at..].starts_with(&end) {
            self.blank(1);
        }
        self.blank(end.len());
        self.output.pop();
        self.output.push('"');
    }

    fn c_character(&mut self) {
        self.blank(1);
        while self.at < self.input.len() && !['\'', '\n'].contains(&self.peek(0)) {
            self.blank(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.blank(1);
    }

    fn rust_character_or_lifetime(&mut self) {
        if self.peek(1) == '\\' {
            // The quote, the backslash and what it escapes: that may be a quote.
            self.blank(3);
            while self.at < self.input.len() && self.peek(0) != '\'' {
                self.blank(1);
            }
            self.blank(1);
        } else if self.peek(2) == '\'' {
            self.blank(3);
        } else {
            self.keep();
        }
    }

    /// A whole word, so that a raw string's prefix is told from the end of a name.
    fn word(&mut self, language: Language) {
        let length = self.input[self.at..].iter().take_while(|&&c| is_word(c)).count();
        let word: String = self.input[self.at..self.at + length].iter().collect();
        if language == Language::Rust && ["r", "br", "cr"].contains(&word.as_str()) {
            let hashes = self.input[self.at + length..].iter().take_while(|&&c| c == '#').count();
            if self.peek(length + hashes) == '"' {
                let end = format!("\"{}", "#".repeat(hashes));
                return self.raw_string(length + hashes + 1, &end);
            }
        }
        if language == Language::C && word.ends_with('R') && self.peek(length) == '"' {
            let from = self.at + length + 1;
            let name: String = self.input[from..].iter().take_while(|&&c| c != '(').collect();
            let prefix = length + 1 + name.chars().count() + 1;
            return self.raw_string(prefix, &format!("){name}\""));
        }
        // C++ separates the digits of a number by quotes.
        let digits = language == Language::C && word.starts_with(|c: char| c.is_ascii_digit());
        for _ in 0..length {
            self.keep();
        }
        while digits && self.peek(0) == '\'' && self.peek(1).is_ascii_hexdigit() {
            self.blank(1);
            while is_word(self.peek(0)) {
                self.keep();
            }
        }
    }
}

/// Whether `c` can be a part of a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> String {
        let scrubbed = scrub(text, Language::Rust);
        assert_eq!(scrubbed.chars().count(), text.chars().count(), "{text}");
        scrubbed
    }

    /// `text` with each `.` made a blank, so that blanks can be counted.
    fn dotted(text: &str) -> String {
        text.replace('.', " ")
    }

    #[test]
    fn comments_vanish_and_lines_stay() {
        assert_eq!(rust("a // b {\nc"), dotted("a.......\nc"));
        assert_eq!(rust("a /* x /* y */ { */ b"), dotted("a...................b"));
        assert_eq!(scrub("a /* x /* y */ b", Language::C), dotted("a..............b"));
    }

    #[test]
    fn strings_keep_their_quotes_only() {
        assert_eq!(rust(r#"f("}\"{", b"{")"#), dotted(r#"f("....", b".")"#));
        assert_eq!(rust("r#\"a\"{\"# + br\"\\\" + x"), dotted(".......\" + ....\" + x"));
        assert_eq!(scrub("R\"x({)\")x\" + y", Language::C), dotted(".........\" + y"));
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(rust("'{' '\\'' '\\u{7b}' b'{'"), "                  b   ");
        assert_eq!(rust("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
        assert_eq!(rust("'_' r#fn"), "    r#fn");
    }

    #[test]
    fn c_directives_and_separated_digits_do_not_open_anything() {
        let directive = "#define A { \\\n {\nx";
        assert_eq!(scrub(directive, Language::C), dotted(".............\n..\nx"));
        assert_eq!(scrub("x = 1'000'000; '{';", Language::C), "x = 1 000 000;    ;");
    }
}
