//! The reference implementation of tokenizer.json behind five functions of WebAssembly. An instance holds one tokenizer.
//! A panic ends the instance (an `unreachable` trap), so its caller makes another.

use std::cell::RefCell;
use tokenizers::{EncodeInput, Tokenizer};

thread_local! {
    static TOKENIZER: RefCell<Option<Tokenizer>> = const { RefCell::new(None) };
    static RESULT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Memory for a text that the caller writes; the next function that takes it frees it.
#[no_mangle]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    Box::into_raw(vec![0u8; length].into_boxed_slice()) as *mut u8
}

/// # Safety
/// `start` and `length` are those of an `allocate`.
unsafe fn take_text(start: *mut u8, length: usize) -> Result<String, String> {
    let bytes = Box::from_raw(std::ptr::slice_from_raw_parts_mut(start, length));
    String::from_utf8(bytes.into_vec()).map_err(|error| error.to_string())
}

fn keep(result: Vec<u8>) {
    RESULT.with(|kept| *kept.borrow_mut() = result);
}

/// Where the last result starts: a message in UTF-8, or numbers of 32 bits.
#[no_mangle]
pub extern "C" fn result_start() -> *const u8 {
    RESULT.with(|kept| kept.borrow().as_ptr())
}

#[no_mangle]
pub extern "C" fn result_length() -> usize {
    RESULT.with(|kept| kept.borrow().len())
}

/// Opens a tokenizer.json: 0, or 1 with a message as the result.
///
/// # Safety
/// `start` and `length` are those of an `allocate`.
#[no_mangle]
pub unsafe extern "C" fn open(start: *mut u8, length: usize) -> u32 {
    let opened = take_text(start, length)
        .and_then(|json| json.parse::<Tokenizer>().map_err(|error| error.to_string()));
    match opened {
        Ok(tokenizer) => {
            TOKENIZER.with(|kept| *kept.borrow_mut() = Some(tokenizer));
            keep(Vec::new());
            0
        }
        Err(message) => {
            keep(message.into_bytes());
            1
        }
    }
}

fn encode_text(first: String, second: Option<String>, with_offsets: bool) -> Result<Vec<u8>, String> {
    TOKENIZER.with(|kept| {
        let kept = kept.borrow();
        let tokenizer = kept.as_ref().ok_or("no tokenizer is open")?;
        let input: EncodeInput = match second {
            Some(second) => (first, second).into(),
            None => first.into(),
        };
        let encoding = if with_offsets {
            tokenizer.encode_char_offsets(input, true)
        } else {
            tokenizer.encode_fast(input, true)
        }
        .map_err(|error| error.to_string())?;
        let mut numbers: Vec<u32> = vec![encoding.get_overflowing().len() as u32];
        numbers.extend(encoding.get_ids());
        numbers.extend(encoding.get_type_ids());
        numbers.extend(encoding.get_attention_mask());
        if with_offsets {
            for (from, to) in encoding.get_offsets() {
                numbers.extend([*from as u32, *to as u32]);
            }
            numbers.extend(encoding.get_special_tokens_mask());
            // The text that a token comes from: 0, 1, or 2 for none.
            numbers.extend(encoding.get_sequence_ids().iter().map(|id| id.map_or(2, |id| id as u32)));
        }
        Ok(numbers.into_iter().flat_map(u32::to_le_bytes).collect())
    })
}

/// Encodes a text, or two where `second_start` is not 0: 0 with numbers as the result, or 1 with a message. The numbers:
/// how many more encodings truncation cut off, then ids, type ids, attention mask; `with_offsets` adds from and to in
/// characters of each token, its special-token flag, and its text.
///
/// # Safety
/// Each start and length are those of an `allocate`.
#[no_mangle]
pub unsafe extern "C" fn encode(
    first_start: *mut u8,
    first_length: usize,
    second_start: *mut u8,
    second_length: usize,
    with_offsets: u32,
) -> u32 {
    let first = take_text(first_start, first_length);
    let second = if second_start.is_null() {
        Ok(None)
    } else {
        take_text(second_start, second_length).map(Some)
    };
    let encoded = first.and_then(|first| second.and_then(|second| encode_text(first, second, with_offsets != 0)));
    match encoded {
        Ok(numbers) => {
            keep(numbers);
            0
        }
        Err(message) => {
            keep(message.into_bytes());
            1
        }
    }
}
