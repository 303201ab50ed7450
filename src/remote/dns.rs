//! Asking a DNS server one question (RFC 1035): over UDP, and over TCP where the answer was cut.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Another name.
    Cname,
}

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 0 where all is well, 3 where there is no such name (RFC 1035 section 4.1.1).
    pub code: u8,
    /// The names that aliases point to, in order, in lower case, without the dot at the end.
    pub names: Vec<String>,
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// The shortest time that the answer may be kept, in seconds.
    pub ttl: Option<u32>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// Not a name that can be asked for.
    #[error("{0} cannot be asked for: a name has labels of 1 to 63 characters, 253 in all")]
    Name(String),
    /// Nothing came in time, or the connection failed.
    #[error("{0} does not answer")]
    Silent(SocketAddr),
    /// What came is no answer to the question.
    #[error("{0} answers with something that is no DNS answer")]
    Nonsense(SocketAddr),
}

impl Kind {
    const fn code(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Cname => 5,
            Self::Aaaa => 28,
        }
    }
}

/// Asks `server` for the records of `name`, recursion desired, within `patience`.
///
/// # Errors
/// [`DnsError`].
pub fn ask(server: SocketAddr, name: &str, kind: Kind, patience: Duration) -> Result<Answer, DnsError> {
    let mut id = [0; 2];
    // A guessable id would only make forging easier; an answer is checked against reality anyway.
    let _ = getrandom::fill(&mut id);
    let question = question(id, name, kind).ok_or_else(|| DnsError::Name(name.to_owned()))?;
    let until = Instant::now() + patience;
    let silent = |_: std::io::Error| DnsError::Silent(server);
    let answer = by_udp(server, &question, until).map_err(silent)?;
    let cut = answer.get(2).is_some_and(|flags| flags & 0b10 != 0);
    let answer = if cut { by_tcp(server, &question, until).map_err(silent)? } else { answer };
    read(&answer, &question).ok_or(DnsError::Nonsense(server))
}

fn question(id: [u8; 2], name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut bytes = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        bytes.push(length);
        bytes.extend(label.to_ascii_lowercase().as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.code().to_be_bytes());
    bytes.extend([0, 1]);
    Some(bytes)
}

fn left(until: Instant) -> std::io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(std::io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn by_udp(server: SocketAddr, question: &[u8], until: Instant) -> std::io::Result<Vec<u8>> {
    let here: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((here, 0))?;
    socket.connect(server)?;
    let mut buffer = vec![0; 4096];
    // Datagrams are lost now and then: asked three times within the patience.
    let pause = left(until)? / 3;
    for _ in 0..3 {
        socket.send(question)?;
        let next = Instant::now() + pause;
        while let Some(wait) =
            Some(next.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
        {
            socket.set_read_timeout(Some(wait))?;
            match socket.recv(&mut buffer) {
                // Another question's answer, or somebody's guess.
                Ok(length) if buffer[..length].get(..2) != question.get(..2) => {}
                Ok(length) => return Ok(buffer[..length].to_vec()),
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

fn by_tcp(server: SocketAddr, question: &[u8], until: Instant) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, left(until)?)?;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX).to_be_bytes();
    stream.set_write_timeout(Some(left(until)?))?;
    stream.write_all(&[&length, question].concat())?;
    let mut receive = |length: usize| -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut got = 0;
        while got < length {
            stream.set_read_timeout(Some(left(until)?))?;
            match stream.read(&mut bytes[got..])? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                more => got += more,
            }
        }
        Ok(bytes)
    };
    let length = receive(2)?;
    receive(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

/// Reads an answer to `question`.
fn read(bytes: &[u8], question: &[u8]) -> Option<Answer> {
    let head = bytes.get(..12)?;
    let asked = question.get(12..)?;
    let repeated = bytes.get(12..12 + asked.len())?;
    let is_answer = head[..2] == question[..2] && head[2] & 0x80 != 0 && head[4..6] == [0, 1];
    if !is_answer || !repeated.eq_ignore_ascii_case(asked) {
        return None;
    }
    let mut answer = Answer { code: head[3] & 0x0f, ..Answer::default() };
    let mut at = 12 + asked.len();
    for _ in 0..u16::from_be_bytes([head[6], head[7]]) {
        (_, at) = name(bytes, at)?;
        let fixed = bytes.get(at..at + 10)?;
        let kind = u16::from_be_bytes([fixed[0], fixed[1]]);
        let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        at += 10;
        let data = bytes.get(at..at + length)?;
        match kind {
            1 => answer.addresses.push(<[u8; 4]>::try_from(data).ok()?.into()),
            28 => answer.addresses.push(<[u8; 16]>::try_from(data).ok()?.into()),
            5 => answer.names.push(name(bytes, at)?.0),
            _ => {}
        }
        if matches!(kind, 1 | 5 | 28) {
            answer.ttl = Some(answer.ttl.map_or(ttl, |known| known.min(ttl)));
        }
        at += length;
    }
    Some(answer)
}

/// A name, and where what follows it begins. Pointers (RFC 1035 section 4.1.4) only lead backwards, so that it ends.
fn name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut labels, mut at, mut end, mut limit) = (Vec::new(), start, None, start);
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length {
            0 => break,
            1..=63 => {
                let label = bytes.get(at + 1..at + 1 + length)?;
                labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
                at += 1 + length;
            }
            192.. => {
                let to = (length & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                if to >= limit {
                    return None;
                }
                end = end.or(Some(at + 2));
                (at, limit) = (to, to);
            }
            _ => return None,
        }
        if labels.len() > 127 {
            return None;
        }
    }
    Some((labels.join("."), end.unwrap_or(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: &[u8]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2] = 0x81;
        bytes[3] = 0x80;
        bytes[7] = 2;
        // app.example.com CNAME green.<example.com>, whose address is 10.0.0.2.
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 8, 5]);
        bytes.extend(b"Green");
        bytes.extend([0xc0, 16]);
        bytes.extend([0xc0, 0x2d, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 0, 0, 2]);
        bytes
    }

    #[test]
    fn answers_are_read() {
        let question = question([7, 7], "App.example.com.", Kind::A).unwrap();
        let read = read(&answer(&question), &question).unwrap();
        assert_eq!(read.names, ["green.example.com"]);
        assert_eq!(read.addresses, ["10.0.0.2".parse::<IpAddr>().unwrap()]);
        assert_eq!((read.code, read.ttl), (0, Some(30)));
    }

    #[test]
    fn nonsense_is_none() {
        let question = question([7, 7], "app.example.com", Kind::A).unwrap();
        let whole = answer(&question);
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length], &question), None, "{length}");
        }
        for (at, byte) in [(0, 8), (2, 0x01), (5, 0), (13, b'x'), (33, 0xff), (34, 33)] {
            let mut other = whole.clone();
            other[at] = byte;
            assert_eq!(read(&other, &question), None, "byte {at}");
        }
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut other = whole.clone();
                other[at] = byte;
                let _ = read(&other, &question);
            }
        }
        assert_eq!(super::question([0, 0], "a..b", Kind::A), None);
        assert_eq!(super::question([0, 0], &"a.".repeat(128), Kind::A), None);
    }
}
