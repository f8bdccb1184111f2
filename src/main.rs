//! The `ebm` command: reads the configuration, makes the real parts, and runs what was asked for.

mod command;

use std::process::ExitCode;

use clap::Parser;

/// A page is drawn from thousands of short strings: the system's allocator took a quarter of the time for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    ebm::runtime::init_logs();
    // One provider for all of TLS; a second call could only come from a second main.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("ebm: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(command::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ebm: {error}");
            ExitCode::FAILURE
        }
    };
    // What still blocks a thread now is abandoned: every part recovers from that at its next start.
    runtime.shutdown_background();
    code
}
