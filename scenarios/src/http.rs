//! HTTP/1.1, as much of it as the courses speak, without any I/O: the same bytes under every
//! model, on both ends.
//!
//! A client asks for `GET /items/N`; the answer is a small JSON document that carries `N`, so that
//! whoever reads it can tell a right answer from a wrong one. Not in here: chunked bodies, bodies of
//! requests, anything that a course does not need. A message that has them is refused.

use std::io;

use deadheat_core::env::Buf;
use httparse::{EMPTY_HEADER, Header, Status};

/// Headers of a message that are read, at most.
const HEADERS: usize = 24;

/// Room for a request: a longer one is refused.
pub const REQUEST_ROOM: usize = 2048;

/// Room for an answer, that of a server with headers of its own included.
pub const ANSWER_ROOM: usize = 4096;

/// Where the documents are.
const PATH: &str = "/items/";

/// The document, around its number.
const DOCUMENT: (&[u8], &[u8]) = (
    br#"{"id":"#,
    br#","name":"a small document, such as an interface may return","tags":["dead","heat"],"price":12.5,"stock":7,"ok":true}"#,
);

/// Digits of the largest number.
const DIGITS: usize = 20;

/// The size of a document: the same for every number, which is padded with blanks.
pub const DOCUMENT_BYTES: usize = DOCUMENT.0.len() + DIGITS + DOCUMENT.1.len();

/// What a document is called in its header.
pub const CONTENT_TYPE: &str = "application/json";

/// The head of our own server's answer, up to the number of bytes.
const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nserver: deadheat\r\ncontent-type: application/json\r\ncontent-length: ";

/// Answers to what is no request for a document.
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A message that has arrived as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its length in bytes.
    pub len: usize,
    /// The number in its document.
    pub number: u64,
}

/// A request that has arrived as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its length in bytes.
    pub len: usize,
    /// The number of the document that it asks for; none: there is no such thing.
    pub number: Option<u64>,
    /// Whether the client wants the connection closed after the answer.
    pub close: bool,
}

/// A number as text, padded on the left. No allocation, no formatting machinery: this happens
/// between the two clock readings of an operation.
fn digits(mut number: u64) -> [u8; DIGITS] {
    let mut text = [b' '; DIGITS];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text
}

fn number(text: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for digit in text {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    (!text.is_empty()).then_some(number)
}

/// The number in a document's path.
pub fn number_in_path(path: &str) -> Option<u64> {
    number(path.strip_prefix(PATH)?.as_bytes())
}

/// The document of a number.
pub fn document(number: u64) -> [u8; DOCUMENT_BYTES] {
    let mut document = [0; DOCUMENT_BYTES];
    let (start, end) = DOCUMENT;
    document[..start.len()].copy_from_slice(start);
    document[start.len()..start.len() + DIGITS].copy_from_slice(&digits(number));
    document[start.len() + DIGITS..].copy_from_slice(end);
    document
}

/// The number of a document; none: it is not one of ours.
pub fn number_in_document(document: &[u8]) -> Option<u64> {
    let (start, end) = DOCUMENT;
    number(document.strip_prefix(start)?.strip_suffix(end)?.trim_ascii_start())
}

/// Writes a request, piece by piece: into a buffer of whatever kind the caller has.
pub fn ask(number: u64, close: bool, mut put: impl FnMut(&[u8])) {
    put(b"GET /items/");
    put(digits(number).trim_ascii_start());
    put(b" HTTP/1.1\r\nhost: localhost\r\nuser-agent: deadheat\r\naccept: application/json\r\n");
    put(if close { b"connection: close\r\n\r\n" } else { b"\r\n" });
}

/// Writes a number, for paths of whatever kind.
pub fn put_number(number: u64, mut put: impl FnMut(&[u8])) {
    put(digits(number).trim_ascii_start());
}

/// Where the body of a good answer starts, and what its headers say. None: it has not come yet.
fn head<'h, 'b>(
    bytes: &'b [u8],
    headers: &'h mut [Header<'b>],
) -> io::Result<Option<(usize, &'h [Header<'b>])>> {
    let mut response = httparse::Response::new(headers);
    let head = match response.parse(bytes) {
        Ok(Status::Complete(head)) => head,
        Ok(Status::Partial) if bytes.len() >= ANSWER_ROOM => return Err(bad("has no end")),
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(bad("is not HTTP")),
    };
    match response.code {
        Some(200) => Ok(Some((head, response.headers))),
        code => Err(bad(&format!("has status {}", code.unwrap_or(0)))),
    }
}

/// The length of an answer of any kind, and its body. None: it has not all come yet.
pub fn body(bytes: &[u8]) -> io::Result<Option<(usize, &[u8])>> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let Some((head, headers)) = head(bytes, &mut headers)? else { return Ok(None) };
    let len = head + length(headers)?;
    Ok(bytes.get(head..len).map(|body| (len, body)))
}

/// Reads an answer and checks all of it: status, headers, body. None: it has not all come yet.
pub fn answer(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let Some((head, headers)) = head(bytes, &mut headers)? else { return Ok(None) };
    if length(headers)? != DOCUMENT_BYTES {
        return Err(bad("has a body of another length"));
    }
    if !is(headers, "content-type", CONTENT_TYPE) {
        return Err(bad("is not JSON"));
    }
    let Some(body) = bytes.get(head..head + DOCUMENT_BYTES) else { return Ok(None) };
    let number = number_in_document(body).ok_or_else(|| bad("has another body"))?;
    Ok(Some(Answer { len: head + DOCUMENT_BYTES, number }))
}

/// Reads a request. None: it has not all come yet.
pub fn request(bytes: &[u8]) -> io::Result<Option<Request>> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let len = match request.parse(bytes) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) if bytes.len() >= REQUEST_ROOM => {
            return Err(io::Error::other("the request has no end"));
        }
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let has_body = |header: &Header<'_>| {
        header.name.eq_ignore_ascii_case("transfer-encoding")
            || header.name.eq_ignore_ascii_case("content-length") && header.value != b"0"
    };
    if request.headers.iter().any(has_body) {
        return Err(io::Error::other("the request has a body"));
    }
    let close = request.version == Some(0) || is(request.headers, "connection", "close");
    let path = request.path.filter(|_| request.method == Some("GET"));
    Ok(Some(Request { len, number: path.and_then(number_in_path), close }))
}

/// What a server does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read more.
    Read,
    /// Send what is in the output, then ask again.
    Send,
    /// Send it and close.
    Last,
}

/// A server's next step: takes a request from the input, and puts its answer into the output.
pub fn serve(input: &mut Buf, output: &mut Buf) -> Step {
    output.clear();
    match request(input.filled()) {
        Ok(None) => Step::Read,
        Ok(Some(request)) => {
            match request.number {
                Some(number) => put_answer(number, output),
                None => output.put(NOT_FOUND),
            }
            input.consume(request.len);
            if request.close { Step::Last } else { Step::Send }
        }
        Err(_) => {
            output.put(BAD_REQUEST);
            Step::Last
        }
    }
}

fn put_answer(number: u64, output: &mut Buf) {
    output.put(HEAD);
    output.put(digits(DOCUMENT_BYTES as u64).trim_ascii_start());
    output.put(b"\r\n\r\n");
    output.put(&document(number));
}

/// The answer that our own server gives: for servers that only pretend.
pub fn answer_bytes(number: u64) -> Vec<u8> {
    let mut output = Buf::new(ANSWER_ROOM);
    put_answer(number, &mut output);
    output.filled().to_vec()
}

fn length(headers: &[Header<'_>]) -> io::Result<usize> {
    let mut lengths = headers.iter().filter(|h| h.name.eq_ignore_ascii_case("content-length"));
    let (first, more) = (lengths.next(), lengths.next());
    let length = first.filter(|_| more.is_none()).and_then(|header| number(header.value));
    length.and_then(|n| n.try_into().ok()).ok_or_else(|| bad("does not tell its length"))
}

fn is(headers: &[Header<'_>], name: &str, value: &str) -> bool {
    let mut named = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    named.any(|header| header.value.eq_ignore_ascii_case(value.as_bytes()))
}

fn bad(what: &str) -> io::Error {
    io::Error::other(format!("the answer {what}"))
}

#[cfg(test)]
mod tests;
