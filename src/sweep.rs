//! `--sweep closed=1,4,16,64` and `--sweep open=1000..16000`: loads that differ in one number.
//!
//! Each is a race as if it had been named by `--load`; what a sweep shows is the statistics' own.

/// The most loads of a sweep.
const MOST: usize = 32;

/// The loads that a sweep stands for. `a..b` doubles from a to b, and ends with b. Open loads are
/// Poisson's, because independent users are what a rate stands for.
pub(crate) fn loads(text: &str) -> Result<Vec<String>, String> {
    let form = "it is not of the form closed=1,4,16 or open=1000..16000";
    let (kind, numbers) = text.split_once('=').ok_or(form)?;
    let numbers = match numbers.split_once("..") {
        Some((from, to)) => doubled(number(from)?, number(to)?)?,
        None => numbers.split(',').map(number).collect::<Result<Vec<_>, _>>()?,
    };
    if !numbers.is_sorted_by(|a, b| a < b) {
        return Err("its loads do not ascend".into());
    }
    if numbers.len() < 3 || numbers.len() > MOST {
        return Err(format!("{} loads are no sweep: 3 to {MOST} are", numbers.len()));
    }
    let of = |n: &u64| match kind {
        "closed" => Ok(format!("closed-{n}")),
        "open" => Ok(format!("open-{n}-poisson")),
        _ => Err(form.to_owned()),
    };
    numbers.iter().map(of).collect()
}

fn number(text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("\"{text}\" is not a number of clients or a rate")),
    }
}

fn doubled(from: u64, to: u64) -> Result<Vec<u64>, String> {
    if from >= to {
        return Err(format!("{from}..{to} does not ascend"));
    }
    let below = std::iter::successors(Some(from), |n| n.checked_mul(2));
    Ok(below.take_while(|n| *n < to).chain([to]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_are_lists_of_loads() {
        assert_eq!(loads("closed=1,4,16").unwrap(), ["closed-1", "closed-4", "closed-16"]);
        let open = loads("open=1000..5000").unwrap();
        let rates = ["1000", "2000", "4000", "5000"];
        assert_eq!(open, rates.map(|rate| format!("open-{rate}-poisson")));
        assert_eq!(loads("closed=1..8").unwrap().len(), 4);
    }

    #[test]
    fn what_is_no_sweep_says_why() {
        for (text, why) in [
            ("closed", "not of the form"),
            ("half=1,2,3", "not of the form"),
            ("closed=1,2", "2 loads"),
            ("closed=3,2,1", "do not ascend"),
            ("closed=1,1,2", "do not ascend"),
            ("closed=0,1,2", "\"0\""),
            ("open=1,x,3", "\"x\""),
            ("open=5..5", "5..5"),
            ("open=9..2", "9..2"),
            ("open=1..18446744073709551615", "65 loads"),
        ] {
            assert!(loads(text).unwrap_err().contains(why), "{text}: {:?}", loads(text));
        }
    }
}
