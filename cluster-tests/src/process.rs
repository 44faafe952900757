//! One `quorate` process: started, signalled, waited for, and never left behind.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// What stands in a log before the command of each process that writes to it.
pub(crate) const LAUNCHED: &str = "--- ";

/// Lines of a log shown when a test fails.
const TAIL_LINES: usize = 40;

/// What is started, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// Commands that end by running the program as the same process, such as one that enters a namespace.
    pub through: Vec<String>,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables set for it.
    pub environment: Vec<(String, String)>,
    /// Files that a killed one leaves behind: its process id is added to each.
    pub litter: Vec<&'static str>,
}

impl Launch {
    fn command(&self) -> Command {
        let program = self.program.display().to_string();
        let words: Vec<&String> = self.through.iter().chain([&program]).chain(&self.arguments).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).envs(self.environment.iter().cloned());
        command
    }
}

/// A running process. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    litter: Vec<PathBuf>,
}

impl Process {
    /// Starts a program with both outputs appended to `log`; its temporary files go beside that.
    pub fn start(launch: &Launch, log: &Path) -> anyhow::Result<Self> {
        let mut out: File = OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = launch.command();
        writeln!(out, "{LAUNCHED}{command:?}")?;
        let child = command
            .env("NO_COLOR", "1")
            .envs(log.parent().map(|folder| ("TMPDIR", folder)))
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()
            .with_context(|| format!("start {}", launch.program.display()))?;
        let litter = launch.litter.iter().map(|prefix| format!("{prefix}{}", child.id()).into()).collect();
        Ok(Self { child, litter })
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("SIGKILL")?;
        self.child.wait().context("wait for the killed process")?;
        Ok(())
    }

    /// SIGSTOP.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// SIGTERM; does not wait.
    pub fn ask_to_end(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)
    }

    /// SIGTERM, and waits for the process to end by itself.
    pub async fn terminate(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        self.ask_to_end()?;
        self.exited(within).await
    }

    /// Waits for the process to end by itself.
    pub async fn exited(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        wait::until("the process ends", within, async || self.try_exited().transpose()).await?
    }

    /// How the process ended, if it has.
    pub fn try_exited(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().context("look after the process")
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("process id out of range")?, signal).with_context(|| format!("{signal:?}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when the process has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for file in &self.litter {
            // One that ended by itself has taken it away.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Runs a program to its end: exit code, stdout, stderr.
pub async fn run(program: PathBuf, arguments: &[&str]) -> anyhow::Result<(i32, String, String)> {
    let mut command = Command::new(program);
    command.args(arguments).env("NO_COLOR", "1").env_remove("QUORATE_ENDPOINT").stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.code().is_some(), "{arguments:?} ended by a signal");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
