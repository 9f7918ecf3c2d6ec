//! `keys`: key pairs as files.

use std::path::Path;

use rogue_mem::security::keys::KeyPair;
use serde_json::json;

use crate::arguments::KeysCommand;
use crate::failure::{Failure, Kind, Outcome};
use crate::output;
use crate::target::load_keys;

pub fn run(command: &KeysCommand, json: bool) -> Outcome {
    match command {
        KeysCommand::New { file } => {
            let pair = KeyPair::generate().map_err(Failure::of(Kind::File))?;
            pair.save(file).map_err(Failure::of(Kind::File))?;
            tell(&pair, file, json)
        }
        KeysCommand::Show { file } => tell(&load_keys(file)?, file, json),
    }
}

fn tell(pair: &KeyPair, file: &Path, json: bool) -> Outcome {
    match json {
        true => output::line(json!({ "public": pair.public().to_string(), "file": file })),
        false => output::line(pair.public()),
    }
}
