//! Documents from the world, where they are at hand: `EBM_ASYNCAPI_EXAMPLES` names a folder with the examples of
//! the `AsyncAPI` specification, each named by its version.

use super::super::{Refused, read};

#[test]
fn examples_of_the_specification_are_read() {
    let Some(folder) = std::env::var_os("EBM_ASYNCAPI_EXAMPLES") else {
        eprintln!("SKIPPED: EBM_ASYNCAPI_EXAMPLES is not set");
        return;
    };
    let mut read_any = false;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        read_any = true;
        match (read(&std::fs::read(&path).unwrap()), name.starts_with("2.")) {
            (Ok(reading), true) => println!("{name}: {:#?}\n{:#?}", reading.contract, reading.notes),
            (Err(Refused::Version { found }), false) => assert!(found.starts_with("3."), "{name}: {found}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
    assert!(read_any);
}
