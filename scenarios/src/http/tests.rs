use proptest::prelude::*;

use super::*;

fn ask_bytes(number: u64, close: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    ask(number, close, |piece| bytes.extend_from_slice(piece));
    bytes
}

#[test]
fn numbers_survive_the_trip() {
    for number in [0, 7, 10, 1_234_567_890, u64::MAX] {
        assert_eq!(number_in_document(&document(number)), Some(number));
        let json: serde_json::Value = serde_json::from_slice(&document(number)).unwrap();
        assert_eq!(json["id"].as_u64(), Some(number), "the document is JSON");
        let asked = request(&ask_bytes(number, false)).unwrap().unwrap();
        assert_eq!((asked.number, asked.close), (Some(number), false));
        let answered = answer(&answer_bytes(number)).unwrap().unwrap();
        assert_eq!(answered.number, number);
    }
    assert!((140..200).contains(&DOCUMENT_BYTES), "{DOCUMENT_BYTES}");
    assert!(request(&ask_bytes(1, true)).unwrap().unwrap().close);
    assert_eq!(number(b"18446744073709551616"), None, "one more than fits");
}

#[test]
fn byte_by_byte_nothing_is_complete_before_its_last_byte() {
    let (asked, answered) = (ask_bytes(42, false), answer_bytes(42));
    for cut in 0..asked.len() {
        assert_eq!(request(&asked[..cut]).unwrap(), None, "cut at {cut}");
    }
    for cut in 0..answered.len() {
        assert_eq!(answer(&answered[..cut]).unwrap(), None, "cut at {cut}");
    }
    // What follows is not looked at.
    let more = [&answered[..], b"garbage"].concat();
    assert_eq!(answer(&more).unwrap(), Some(Answer { len: answered.len(), number: 42 }));
}

#[test]
fn every_wrong_answer_is_named() {
    let right = String::from_utf8(answer_bytes(42)).unwrap();
    for (from, to, cause) in [
        ("200 OK", "503 Busy", "has status 503"),
        ("application/json", "text/plain", "is not JSON"),
        ("content-length: 1", "content-length: 2", "another length"),
        ("content-length", "x-length", "does not tell its length"),
        ("server: deadheat", "content-length: 3", "does not tell its length"),
        ("HTTP/1.1", "GARBAGE", "is not HTTP"),
        ("\"ok\":true", "\"ok\":fals", "another body"),
        ("42,", "4x,", "another body"),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right, "{from}");
        let error = answer(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(cause), "{from}: {error}");
    }
    let endless = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; ANSWER_ROOM]].concat();
    assert!(answer(&endless).unwrap_err().to_string().contains("no end"));
}

#[test]
fn a_server_answers_what_is_no_request_and_closes() {
    let mut output = Buf::new(ANSWER_ROOM);
    for (text, step, start) in [
        ("\x01\x02 rubbish\r\n\r\n", Step::Last, "HTTP/1.1 400"),
        ("POST /items/1 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", Step::Last, "HTTP/1.1 400"),
        ("GET /other HTTP/1.1\r\n\r\n", Step::Send, "HTTP/1.1 404"),
        ("HEAD /items/1 HTTP/1.1\r\n\r\n", Step::Send, "HTTP/1.1 404"),
        ("GET /items/1 HTTP/1.0\r\n\r\n", Step::Last, "HTTP/1.1 200"),
        ("GET /items/1 HTTP/1.1\r\nhost", Step::Read, ""),
    ] {
        let mut input = Buf::from_slice(text.as_bytes());
        assert_eq!(serve(&mut input, &mut output), step, "{text:?}");
        assert!(output.filled().starts_with(start.as_bytes()), "{text:?}");
    }
    let mut full = Buf::from_slice(&[b'a'; REQUEST_ROOM]);
    full.filled_mut()[..14].copy_from_slice(b"GET / HTTP/1.1");
    assert_eq!(serve(&mut full, &mut output), Step::Last, "a request without end");
}

proptest! {
    /// However the bytes of pipelined requests are cut up, the same answers come, in order.
    #[test]
    fn any_split_gives_the_same_answers(
        numbers in prop::collection::vec(any::<u64>(), 1..6),
        cuts in prop::collection::vec(1_usize..200, 1..40),
    ) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|&n| ask_bytes(n, false)).collect();
        let expected: Vec<u8> = numbers.iter().flat_map(|&n| answer_bytes(n)).collect();
        let (mut input, mut output) = (Buf::new(REQUEST_ROOM), Buf::new(ANSWER_ROOM));
        let (mut answers, mut at) = (Vec::new(), 0);
        for cut in cuts.iter().copied().chain([bytes.len()]) {
            let end = bytes.len().min(at + cut);
            input.put(&bytes[at..end]);
            at = end;
            while serve(&mut input, &mut output) == Step::Send {
                answers.extend_from_slice(output.filled());
            }
        }
        prop_assert_eq!(answers, expected);
        prop_assert!(input.is_empty());
    }

    /// Whatever comes, nobody panics.
    #[test]
    fn rubbish_is_an_error_or_incomplete(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (answer(&bytes), request(&bytes));
    }
}
