//! The buffer that every model reads into and writes from.

/// The alignment that direct I/O asks for, in bytes.
const ALIGN: usize = 4096;

/// Owned bytes of a fixed capacity that start at a page boundary: good for `O_DIRECT` and for
/// io_uring without `unsafe`, at the price of one page each.
#[derive(Debug)]
pub struct Buf {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Buf {
    /// An empty buffer with room for `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        let bytes = vec![0; capacity + ALIGN];
        let start = bytes.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { bytes, start, len: 0 }
    }

    /// A buffer that holds `bytes` and has no more room.
    pub fn from_slice(bytes: &[u8]) -> Self {
        let mut buf = Self::new(bytes.len());
        buf.put(bytes);
        buf
    }

    /// How many bytes it can hold.
    pub fn capacity(&self) -> usize {
        self.bytes.len() - ALIGN
    }

    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it holds.
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    /// What it holds, to change it in place.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }

    /// The room that is left. Fill it from its start, then [`advance`](Self::advance).
    pub fn spare(&mut self) -> &mut [u8] {
        let end = self.start + self.capacity();
        &mut self.bytes[self.start + self.len..end]
    }

    /// Counts `n` bytes of the room as held.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.capacity() - self.len, "{n} bytes do not fit");
        self.len += n;
    }

    /// Appends `bytes`. Panics where there is no room for them.
    pub fn put(&mut self, bytes: &[u8]) {
        self.spare()[..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Forgets the first `n` bytes and moves the rest to the front.
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.len, "there are only {} bytes", self.len);
        let (start, end) = (self.start, self.start + self.len);
        self.bytes.copy_within(start + n..end, start);
        self.len -= n;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// The allocation, and where in it the held bytes start and end: for runtimes that take a
    /// `Vec` and a range.
    pub fn into_parts(self) -> (Vec<u8>, usize, usize) {
        (self.bytes, self.start, self.start + self.len)
    }

    /// The buffer again, from [`into_parts`](Self::into_parts) with a new end.
    pub fn from_parts(bytes: Vec<u8>, start: usize, end: usize) -> Self {
        assert!(start <= end && end - start <= bytes.len() - ALIGN, "not the parts of a buffer");
        Self { bytes, start, len: end - start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_start_at_a_page_and_survive_the_trip() {
        let mut buf = Buf::new(10);
        assert_eq!(buf.spare().len(), 10);
        assert_eq!(buf.spare().as_ptr().align_offset(ALIGN), 0);
        buf.put(b"heat");
        buf.put(b"dead");
        buf.consume(4);
        let (bytes, start, end) = buf.into_parts();
        let buf = Buf::from_parts(bytes, start, end);
        assert_eq!((buf.filled(), buf.len(), buf.capacity()), (&b"dead"[..], 4, 10));
    }

    #[test]
    #[should_panic(expected = "do not fit")]
    fn more_than_the_room_is_refused() {
        Buf::new(3).advance(4);
    }
}
