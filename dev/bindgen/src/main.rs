//! `bindgen FILE.wasm NAME FOLDER`: writes the loader `NAME.js` and the module `NAME_bg.wasm` that a
//! browser can load, from a library compiled for wasm32.

use std::{env, error::Error};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, name, folder] = arguments.as_slice() else {
        return Err("usage: bindgen FILE.wasm NAME FOLDER".into());
    };
    Bindgen::new().input_path(input).web(true)?.typescript(false).out_name(name).generate(folder)?;
    Ok(())
}
