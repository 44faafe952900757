//! `quorate completion` and `quorate man`: what shells and `man` read, made from the one definition of the command line.

use std::io;
use std::path::PathBuf;

use clap::{Command, ValueEnum};
use clap_complete::aot::{Shell, generate};

use super::fail::Failure;
use super::output::Output;

/// Name of the program, as a shell knows it.
const PROGRAM: &str = "quorate";

#[derive(Debug, clap::Args)]
pub(super) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Known,
}

/// The shells we complete for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Known {
    /// `source <(quorate completion bash)`
    Bash,
    /// `quorate completion zsh > ~/.zfunc/_quorate`
    Zsh,
    /// `quorate completion fish > ~/.config/fish/completions/quorate.fish`
    Fish,
}

#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write a page for every command into this folder [default: the first page, to stdout]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints the script that makes a shell complete `command`.
pub(super) fn completion(
    args: &CompletionArgs,
    command: Command,
    output: &mut Output,
) -> Result<(), Failure> {
    Ok(output.bytes(&script(args.shell, command))?)
}

fn script(shell: Known, mut command: Command) -> Vec<u8> {
    let shell = match shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut command, PROGRAM, &mut script);
    script
}

/// Prints the manual page of `command`, or writes one for each of its commands.
pub(super) fn man(args: &ManArgs, command: Command, output: &mut Output) -> Result<(), Failure> {
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir)?;
        clap_mangen::generate_to(command, dir)?;
        return Ok(output.line(&format!("man -l {}", dir.join("quorate.1").display()))?);
    }
    Ok(output.bytes(&page(command)?)?)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_shell_completes_every_command() {
        let commands: Vec<String> =
            Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for shell in [Known::Bash, Known::Zsh, Known::Fish] {
            let script = String::from_utf8(script(shell, Cli::command())).unwrap();
            for name in &commands {
                assert!(script.contains(name.as_str()), "{name} in {shell:?}");
            }
        }
    }

    #[test]
    fn the_manual_has_a_page_for_every_command() {
        let page = String::from_utf8(page(Cli::command()).unwrap()).unwrap();
        assert!(page.contains(".TH quorate 1") && page.contains("doctor"), "{page}");
        let dir = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(Cli::command(), dir.path()).unwrap();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let file = dir.path().join(format!("quorate-{}.1", command.get_name()));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
