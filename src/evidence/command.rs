//! One program run: exit code, output, and a number read from the output. No shell.

use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Answer, EvidenceError, MAX_RESPONSE, Observation, Request, Response, Source, moment};
use crate::core::check::{CommandProbe, Decimal, Point};

/// After the program has ended or was killed, how long to wait for the end of its output.
const GRACE: Duration = Duration::from_secs(1);

/// One program, run in a folder.
#[derive(Clone, Debug)]
pub struct Command {
    probe: CommandProbe,
    folder: PathBuf,
}

struct Run {
    status: Option<ExitStatus>,
    stdout: Captured,
    stderr: Captured,
}

#[derive(Default)]
struct Captured {
    bytes: Vec<u8>,
    more: bool,
}

impl Command {
    /// Runs by `probe`, in `folder`.
    #[must_use]
    pub fn new(probe: CommandProbe, folder: &Path) -> Self {
        Self { probe, folder: folder.to_owned() }
    }

    fn start(&self) -> Result<Child, EvidenceError> {
        let (program, arguments) =
            self.probe.argv.split_first().ok_or_else(|| EvidenceError::Invalid {
                what: "a command check without a program".to_owned(),
            })?;
        // A relative path with a folder in it is below the project; a bare word is looked up in PATH.
        let path = if program.contains('/') { self.folder.join(program) } else { program.into() };
        let mut command = std::process::Command::new(path);
        let private = std::env::vars_os().map(|(name, _)| name);
        for name in private.filter(|name| name.to_string_lossy().starts_with("AETHER_AUDIT_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| EvidenceError::NoProgram {
                program: program.clone(),
                problem: error.kind().to_string(),
            })
    }

    fn run(&self) -> Result<Run, EvidenceError> {
        let mut child = self.start()?;
        let (stdout, stderr) = (capture(child.stdout.take()), capture(child.stderr.take()));
        let deadline = Instant::now() + Duration::from_secs(self.probe.timeout_seconds.into());
        let mut ended = has_ended(&child)?;
        while !ended && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
            ended = has_ended(&child)?;
        }
        if !ended {
            kill_group(&child);
        }
        let (mut out, mut err) = (stdout.recv_timeout(GRACE).ok(), stderr.recv_timeout(GRACE).ok());
        if out.is_none() || err.is_none() {
            // Something that the program started still holds its output.
            kill_group(&child);
            out = out.or_else(|| stdout.recv_timeout(GRACE).ok());
            err = err.or_else(|| stderr.recv_timeout(GRACE).ok());
        }
        let status = Some(child.wait()?).filter(|_| ended);
        Ok(Run { status, stdout: out.unwrap_or_default(), stderr: err.unwrap_or_default() })
    }
}

impl Source for Command {
    fn query(&self) -> String {
        serde_json::to_string(&self.probe.argv).unwrap_or_default()
    }

    fn statistic(&self) -> Option<String> {
        self.probe.value_pattern.as_ref().map(|_| "output".to_owned())
    }

    fn read(&self, request: &Request) -> Result<Observation, EvidenceError> {
        let pattern = self.probe.value_pattern.as_deref().map(regex_lite::Regex::new).transpose();
        let pattern =
            pattern.map_err(|error| EvidenceError::Invalid { what: format!("value-pattern: {error}") })?;
        let run = self.run()?;
        let code = run.status.and_then(|status| status.code());
        let mut note = match (run.status, code) {
            (None, _) => format!("killed after {} s", self.probe.timeout_seconds),
            (Some(_), Some(code)) => format!("exit code {code}"),
            (Some(status), None) => format!("ended by signal {}", status.signal().unwrap_or_default()),
        };
        let value = pattern.as_ref().filter(|_| code.is_some()).and_then(|pattern| {
            let text = String::from_utf8_lossy(&run.stdout.bytes);
            let found = pattern.captures(&text)?;
            found.get(1).or_else(|| found.get(0)).and_then(|value| Decimal::parse(value.as_str()).ok())
        });
        if pattern.is_some() && value.is_none() {
            note.push_str(", no number in the output");
        }
        if run.stdout.more || run.stderr.more {
            note.push_str(", output cut");
        }
        let mut bytes = run.stdout.bytes;
        if !run.stderr.bytes.is_empty() {
            bytes.extend_from_slice(b"\n--- standard error ---\n");
            bytes.extend_from_slice(&run.stderr.bytes);
        }
        bytes.truncate(MAX_RESPONSE);
        Ok(Observation {
            window: Some(moment(request.now)),
            points: value.map(|value| Point { at: request.now, value }).into_iter().collect(),
            answer: Some(if code == Some(self.probe.exit_code) { Answer::Yes } else { Answer::No }),
            response: Some(Response { bytes, media_type: "text/plain".to_owned() }),
            note: Some(note),
            ..Observation::default()
        })
    }
}

/// Reads to the end, keeping the first bytes, so that a talkative program is never stopped by a full pipe.
fn capture(stream: Option<impl Read + Send + 'static>) -> Receiver<Captured> {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || {
        let mut captured = Captured::default();
        let mut buffer = [0; 8192];
        if let Some(mut stream) = stream {
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let room = (MAX_RESPONSE / 2).saturating_sub(captured.bytes.len());
                captured.more |= count > room;
                captured.bytes.extend(buffer.iter().take(count.min(room)));
            }
        }
        // The receiver may have given up waiting.
        let _ = done.send(captured);
    });
    result
}

/// Looks without reaping: until it is reaped, no other group can have its number, so that killing the group is safe.
fn has_ended(child: &Child) -> Result<bool, EvidenceError> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let Some(process) = pid(child) else { return Ok(true) };
    Ok(waitid(WaitId::Pid(process), options).map_err(std::io::Error::from)?.is_some())
}

fn kill_group(child: &Child) {
    if let Some(group) = pid(child) {
        // It fails when all of the group have ended already.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}
