//! The extent of the functions of a C or C++ file.

use crate::scrub::{scrub, Language};
use crate::tokens::{tokens, Function, Token};

/// What opens a block that holds declarations and not statements.
const SCOPE_WORDS: &[&str] = &["class", "struct", "union", "enum", "namespace", "extern"];

/// The outermost blocks of `text` that hold statements.
pub fn functions(text: &str) -> Vec<Function> {
    let tokens = tokens(&scrub(text, Language::C));
    let mut found = Vec::new();
    // For each open brace: where it stands, and the function it opens.
    let mut open: Vec<(usize, Option<String>)> = Vec::new();
    let mut header = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            ";" => header = index + 1,
            "{" => {
                let inside = open.iter().any(|(_, name)| name.is_some());
                let name = if inside { None } else { function_name(&tokens[header..index]) };
                open.push((index, name));
                // What a scope opens, its members' headers begin inside it.
                header = index + 1;
            }
            "}" => {
                let Some((start, name)) = open.pop() else { continue };
                let lines = token.line - tokens[start].line + 1;
                if let Some(name) = name {
                    found.push(Function { name, line: tokens[start].line, lines });
                }
                header = index + 1;
            }
            _ => {}
        }
    }
    found
}

/// The name of the function that the tokens before a brace declare: what stands before the first
/// parenthesis.
fn function_name(header: &[Token]) -> Option<String> {
    let parenthesis = header.iter().position(|token| token.is("("))?;
    let is_assigned = header.last().is_some_and(|last| last.is("=") || last.is(","));
    let is_scope = header.iter().any(|token| SCOPE_WORDS.contains(&token.text.as_str()))
        && !header.last().is_some_and(|last| last.is(")"));
    let name = header[..parenthesis].iter().rev().find(|token| token.is_name())?;
    (!is_assigned && !is_scope).then(|| name.text.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize)> {
        functions(text).into_iter().map(|found| (found.name, found.lines)).collect()
    }

    #[test]
    fn functions_of_c_are_found_and_data_is_not() {
        let text = "static const int a[] = {\n f(1),\n};\nstruct s { int b; };\n\
                    static struct s *make(int c) {\n  if (c) {\n  }\n  return 0;\n}\n";
        assert_eq!(names(text), [("make".to_owned(), 5)]);
    }

    #[test]
    fn members_are_measured_and_their_class_is_not() {
        let text = "namespace a {
            class B : public C {
            public:
                explicit B(int c)
                    : c_(c) {
                }
                int d() const override { return c_; }
            };
            }
            extern \"C\" {
            void e(void) {
            }
            }";
        let expected = [("B", 2), ("d", 1), ("e", 2)];
        assert_eq!(names(text), expected.map(|(name, lines)| (name.to_owned(), lines)));
    }
}
