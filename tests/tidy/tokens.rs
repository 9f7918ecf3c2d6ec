//! Words and signs of scrubbed source text, and what both languages' scanners do with them.

use crate::scrub::is_word;

/// A name, a number, `::` or a single sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    /// From 1.
    pub line: usize,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| is_word(c) && !c.is_ascii_digit())
    }
}

/// The tokens of `code`, which has been scrubbed.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (text, after) = rest.split_at(length);
            if !first.is_whitespace() {
                found.push(Token { text: text.to_owned(), line: index + 1 });
            }
            rest = after;
        }
    }
    found
}

/// The index of the bracket that closes the one at `open`; the last token where none does.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// A function and its extent, from the line of its name to that of its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_paths_and_signs_are_tokens_with_their_lines() {
        let found = tokens("use a::b_1;\n\n x");
        let texts: Vec<_> = found.iter().map(|token| token.text.as_str()).collect();
        assert_eq!(texts, ["use", "a", "::", "b_1", ";", "x"]);
        assert_eq!(found[5].line, 3);
    }

    #[test]
    fn closing_bracket_is_found_over_nested_ones() {
        let found = tokens("f { a ( b ) [ { } ] } g");
        assert_eq!(closing(&found, 1), 10);
    }
}
