//! The `extern "C"` functions that are made from `src/capi/functions/`.

use crate::from_table::{docs, signature};
use crate::functions::{Function, Group};
use crate::table::{Object, OBJECTS};
use crate::LINE_LENGTH_MAX;

fn object(name: &str) -> Option<&'static Object> {
    OBJECTS.iter().find(|object| object.name == name)
}

fn is_number(ty: &str) -> bool {
    ["u8", "u16", "u32", "u64", "i32", "i64", "f32", "f64", "bool"].contains(&ty)
}

/// A parameter in C.
struct Parameter {
    name: &'static str,
    /// In Rust's words.
    ty: String,
    /// Its description, if the function gives none.
    is: String,
    /// The statement that checks it.
    check: String,
}

impl Parameter {
    fn plain(name: &'static str, ty: &str, is: &str) -> Parameter {
        Parameter { name, ty: ty.to_owned(), is: is.to_owned(), check: String::new() }
    }

    fn checked(mut self, safety: &str, check: &str) -> Parameter {
        let name = self.name;
        self.check = format!(
            "        // SAFETY: {safety}, as the header demands.\n        \
             let {name} = unsafe {{ call.{check} }}?;\n"
        );
        self
    }

    fn handle(name: &'static str, ty: &str, is: &str) -> Parameter {
        let check = format!("handle({name})");
        Parameter::plain(name, ty, is).checked("null or live", &check)
    }
}

/// A function with the object whose handle it gets.
struct Maker<'a> {
    /// What its name in C begins with, behind "rogue_mem_".
    prefix: &'static str,
    function: &'a Function,
    object: Option<&'static Object>,
}

impl Maker<'_> {
    fn result(&self) -> &str {
        self.function.result.trim()
    }

    /// The object of which a new reference is given by `out`.
    fn made(&self) -> Option<&str> {
        self.result().strip_prefix("new ")
    }

    /// The number that is given by `value`.
    fn found(&self) -> Option<&str> {
        self.result().strip_prefix("value ")
    }

    fn has_status(&self) -> bool {
        ["result", "status", "text"].contains(&self.result())
            || self.made().is_some()
            || self.found().is_some()
    }

    fn parameters(&self) -> Vec<Parameter> {
        let mut all: Vec<_> =
            self.function.parameters.iter().map(|(name, ty)| self.parameter(name, ty)).collect();
        if self.result() == "text" {
            all.push(Parameter::plain(
                "buffer",
                "*mut c_char",
                "receives the text, see \"Texts\" above.",
            ));
            all.push(Parameter::plain("capacity", "usize", "size of buffer in bytes."));
            all.push(Parameter::plain(
                "length",
                "*mut usize",
                "receives the length of the text; may be NULL.",
            ));
        }
        if let Some(made) = self.made() {
            let (_, what) = object(made).expect("`new` names an object").argument;
            let is = format!("receives {what}, a new reference. Untouched on failure.");
            let ty = format!("*mut *mut rogue_mem_{made}_t");
            let check = "out(out, \"out\")";
            all.push(Parameter::plain("out", &ty, &is).checked("null or valid", check));
        }
        if let Some(number) = self.found() {
            let is = "receives the value. Untouched on failure.";
            let (ty, check) = (format!("*mut {number}"), "out(value, \"value\")");
            all.push(Parameter::plain("value", &ty, is).checked("null or valid", check));
        }
        all
    }

    fn parameter(&self, name: &'static str, ty: &str) -> Parameter {
        if name == "self" {
            let object = self.object.expect("only an object has a `self`");
            let (name, what) = object.argument;
            // A query does not change the object.
            let is_query =
                !self.result().is_empty() && (self.result() == "text" || !self.has_status());
            let pointer = if is_query { "*const" } else { "*mut" };
            let end = if self.result().is_empty() { "; NULL is an error." } else { "." };
            let ty = format!("{pointer} rogue_mem_{}_t", object.name);
            return Parameter::handle(name, &ty, &format!("{what}{end}"));
        }
        match ty {
            "text" => {
                let check = format!("text({name}, \"{name}\")");
                Parameter::plain(name, "*const c_char", "").checked("null or ending in NUL", &check)
            }
            "options" => {
                let ty = format!("*const rogue_mem_{}_options_t", self.prefix);
                let check = format!("options({name}, \"{name}\")");
                let safety = "null or as long as its `size` says";
                Parameter::plain(name, &ty, "").checked(safety, &check)
            }
            _ if is_number(ty) => Parameter::plain(name, ty, ""),
            _ => Parameter::handle(name, &format!("*mut rogue_mem_{ty}_t"), ""),
        }
    }

    /// The body, with a handle for an object.
    fn value(&self) -> String {
        let body = self.function.body;
        match self.made().unwrap_or(self.result()) {
            "slave" => format!("slave_handle({body})"),
            "stream_slave" => format!("stream_slave_handle({body})"),
            name if object(name).is_some() => format!("into_handle({body})"),
            _ => body.to_owned(),
        }
    }

    fn body(&self, parameters: &[Parameter]) -> String {
        let value = self.value();
        if let (Some(("self", _)), true) =
            (self.function.parameters.first(), self.is_query(parameters))
        {
            let name = parameters[0].name;
            return match self.result() {
                "text" => text_query(name, &value),
                _ => format!(
                    "    // SAFETY: null or live, as the header demands.\n    \
                     unsafe {{ query({name}, |{name}| {value}) }}\n"
                ),
            };
        }
        // The options are the last to be read, and take the longest.
        let (last, first): (Vec<_>, Vec<_>) =
            parameters.iter().partition(|parameter| parameter.ty.ends_with("_options_t"));
        let checks: String = first.into_iter().chain(last).map(|one| one.check.as_str()).collect();
        let (closure, end) = match self.result() {
            "result" => ("status", format!("        {value}\n")),
            "" => ("value", format!("        {value};\n        Ok(())\n")),
            "status" => ("status", format!("        {value};\n        Ok(())\n")),
            _ if self.found().is_some() => {
                ("status", format!("        value.set({value}?);\n        Ok(())\n"))
            }
            _ => ("status", format!("        out.set({value});\n        Ok(())\n")),
        };
        format!("    {closure}(|call| {{\n{checks}{end}    }})\n")
    }

    /// Whether only `self` has to be checked, and the result is no status.
    fn is_query(&self, parameters: &[Parameter]) -> bool {
        parameters.iter().skip(1).all(|parameter| parameter.check.is_empty())
            && (self.result() == "text" || !self.has_status())
    }

    fn comment(&self, parameters: &[Parameter]) -> String {
        let mut written = Comment::of(self.function.docs);
        let items = parameters.iter().map(|parameter| {
            let tag = format!("@param {} ", parameter.name);
            let found = written.items.iter().find(|item| item.starts_with(&tag)).cloned();
            found.unwrap_or_else(|| tag + &parameter.is)
        });
        let mut list: Vec<String> = items.collect();
        let returned = written.items.iter().find(|item| item.starts_with("@return ")).cloned();
        list.extend(self.returned(parameters, returned));
        let paragraphs = [written.text.join("\n\n"), list.join("\n")];
        let mut paragraphs: Vec<_> =
            paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect();
        paragraphs.append(&mut written.after);
        docs("", &paragraphs.join("\n\n"))
    }

    fn returned(&self, parameters: &[Parameter], given: Option<String>) -> Option<String> {
        if self.has_status() {
            let usual = "@return ROGUE_MEM_OK; ROGUE_MEM_ERROR_NULL_ARGUMENT.".to_owned();
            return Some(given.unwrap_or(usual));
        }
        let given = given?;
        let neutral = match self.result() {
            "bool" => "false",
            ty if is_number(ty) => "0",
            _ => "NULL",
        };
        let name = parameters[0].name;
        Some(format!("{}; {neutral} if {name} is NULL.", given.trim_end_matches('.')))
    }

    fn text(&self) -> String {
        let parameters = self.parameters();
        let name = format!("rogue_mem_{}_{}", self.prefix, self.function.name);
        let returned = match self.result() {
            "" => String::new(),
            _ if self.has_status() => " -> rogue_mem_status_t".to_owned(),
            ty if is_number(ty) => format!(" -> {ty}"),
            object => format!(" -> *mut rogue_mem_{object}_t"),
        };
        let list: Vec<_> =
            parameters.iter().map(|one| format!("{}: {}", one.name, one.ty)).collect();
        self.comment(&parameters)
            + &signature(&name, &list, &returned)
            + &self.body(&parameters)
            + "}\n\n"
    }
}

/// The body of a function that asks an object for a text, broken as rustfmt does.
fn text_query(name: &str, value: &str) -> String {
    let safety = "    // SAFETY: null or live and valid, as the header demands.\n";
    let call = format!("query_text({name}, buffer, capacity, length, |{name}|");
    let lines = [
        format!("    unsafe {{ {call} {value}) }}\n"),
        format!("    unsafe {{\n        {call} {value})\n    }}\n"),
        format!("    unsafe {{\n        {call} {{\n            {value}\n        }})\n    }}\n"),
    ];
    let fits = |text: &&String| text.lines().all(|line| line.len() <= LINE_LENGTH_MAX);
    let found = lines.iter().find(fits).expect("the value fits a line");
    safety.to_owned() + found
}

/// A comment, as `src/capi/functions/` has it.
#[derive(Default)]
struct Comment {
    /// Paragraphs.
    text: Vec<String>,
    /// Those that begin with "@".
    items: Vec<String>,
    /// The paragraphs behind these.
    after: Vec<String>,
}

impl Comment {
    fn of(lines: &[&str]) -> Comment {
        let mut comment = Comment::default();
        let mut begins = true;
        for line in lines.iter().map(|line| line.trim()) {
            let is_after = !comment.items.is_empty() && begins || !comment.after.is_empty();
            if line.is_empty() {
                begins = true;
            } else if line.starts_with('@') {
                comment.items.push(line.to_owned());
                begins = false;
            } else {
                let list = match () {
                    () if is_after => &mut comment.after,
                    () if !comment.items.is_empty() => &mut comment.items,
                    () => &mut comment.text,
                };
                match list.last_mut().filter(|_| !begins) {
                    Some(last) => *last = format!("{last} {line}"),
                    None => list.push(line.to_owned()),
                }
                begins = false;
            }
        }
        comment
    }
}

/// The functions of a group.
pub fn functions(group: &Group) -> String {
    let prefix = if group.of.is_empty() { group.name } else { group.of };
    let object = object(prefix);
    let makers = group.functions.iter().map(|function| Maker { prefix, function, object });
    makers.map(|maker| maker.text()).collect()
}
