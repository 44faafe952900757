//! `quorate`: one binary for the server, the demo cluster and the command line.

fn main() -> std::process::ExitCode {
    quorate::cli::main()
}
