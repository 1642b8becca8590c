//! What can be set in a scenario, from the command line and in ids.

use std::{collections::BTreeMap, fmt, time::Duration};

use thiserror::Error;

use crate::duration;

/// A parameter of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// As in ids.
    pub name: &'static str,
    /// As in ids; left out of them.
    pub default: &'static str,
    /// What values make sense.
    pub kind: ParamKind,
    /// One line, with the unit.
    pub about: &'static str,
}

/// What values a parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum ParamKind {
    /// A whole number in this range.
    Number(u64, u64),
    /// A duration up to this.
    Duration(Duration),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Numbers joined with `+`, at most this many.
    List(usize),
}

/// Why a parameter cannot be set so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// No such name.
    #[error("no parameter is called \"{name}\"; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The value makes no sense.
    #[error("{name}={value}: {reason}")]
    Value {
        /// Which parameter.
        name: String,
        /// What was asked for.
        value: String,
        /// What would make sense.
        reason: String,
    },
    /// Not `k=v`.
    #[error("\"{0}\" is not of the form name=value")]
    Form(String),
}

/// Values of all parameters of a scenario, defaults included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    values: BTreeMap<String, String>,
    changed: BTreeMap<String, String>,
}

impl Params {
    /// Reads `k=v,k=v` against the declared parameters and fills in their defaults.
    pub fn parse(text: &str, declared: &[Param]) -> Result<Self, ParamsError> {
        let pairs = text.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
            let form = || ParamsError::Form(pair.into());
            pair.split_once('=').map(|(k, v)| (k.into(), v.into())).ok_or_else(form)
        });
        Self::resolve(&pairs.collect::<Result<_, _>>()?, declared)
    }

    /// Checks given values against the declared parameters and fills in the defaults.
    pub fn resolve(
        given: &BTreeMap<String, String>,
        declared: &[Param],
    ) -> Result<Self, ParamsError> {
        let mut params = Self::default();
        for param in declared {
            params.values.insert(param.name.into(), param.default.into());
        }
        for (name, value) in given {
            let Some(param) = declared.iter().find(|param| param.name == name) else {
                let known: Vec<_> = declared.iter().map(|param| param.name).collect();
                return Err(ParamsError::Unknown { name: name.clone(), known: known.join(", ") });
            };
            param.kind.check(value).map_err(|reason| ParamsError::Value {
                name: name.clone(),
                value: value.clone(),
                reason,
            })?;
            if value != param.default {
                params.changed.insert(name.clone(), value.clone());
            }
            params.values.insert(name.clone(), value.clone());
        }
        Ok(params)
    }

    /// What is not the default: what stands in ids.
    pub fn changed(&self) -> &BTreeMap<String, String> {
        &self.changed
    }

    /// A value as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A whole number of things in memory.
    pub fn size(&self, name: &str) -> Option<usize> {
        self.text(name)?.parse().ok()
    }

    /// A duration.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        duration::parse(self.text(name)?).ok()
    }

    /// Numbers joined with `+`.
    pub fn list(&self, name: &str) -> Option<Vec<u64>> {
        self.text(name)?.split('+').map(|number| number.parse().ok()).collect()
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.changed.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl ParamKind {
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Number(least, most) => match value.parse::<u64>() {
                Ok(n) if (least..=most).contains(&n) => Ok(()),
                _ => Err(format!("a whole number from {least} to {most} is needed")),
            },
            Self::Duration(most) => match duration::parse(value)? {
                d if d <= most => Ok(()),
                _ => Err(format!("at most {} makes sense", duration::format(most))),
            },
            Self::Choice(words) if words.contains(&value) => Ok(()),
            Self::Choice(words) => Err(format!("one of {} is needed", words.join(", "))),
            Self::List(most) => {
                let numbers: Option<Vec<u64>> = value.split('+').map(|n| n.parse().ok()).collect();
                match numbers {
                    Some(numbers) if numbers.len() <= most => Ok(()),
                    _ => Err(format!("at most {most} whole numbers joined with + are needed")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &[Param] = &[
        Param { name: "bytes", default: "64", kind: ParamKind::Number(1, 65_536), about: "" },
        Param {
            name: "think",
            default: "5ms",
            kind: ParamKind::Duration(Duration::from_secs(1)),
            about: "",
        },
        Param {
            name: "conn",
            default: "keep",
            kind: ParamKind::Choice(&["keep", "new"]),
            about: "",
        },
        Param { name: "delays", default: "3+2", kind: ParamKind::List(4), about: "" },
    ];

    #[test]
    fn ids_name_what_is_not_the_default_in_order() {
        let params = Params::parse("think=1ms,bytes=128,conn=keep", DECLARED).unwrap();
        assert_eq!(params.to_string(), "bytes=128,think=1ms");
        assert_eq!(params.number("bytes"), Some(128));
        assert_eq!(params.duration("think"), Some(Duration::from_millis(1)));
        assert_eq!(params.list("delays"), Some(vec![3, 2]));
    }

    #[test]
    fn what_cannot_be_set_says_why() {
        for (text, reason) in [
            ("size=3", "there are: bytes, think, conn, delays"),
            ("bytes=0", "bytes=0: a whole number from 1 to 65536"),
            ("bytes", "name=value"),
            ("think=2s", "at most 1s"),
            ("think=2", "needs a unit"),
            ("conn=maybe", "one of keep, new"),
            ("delays=1+2+3+4+5", "at most 4"),
        ] {
            let error = Params::parse(text, DECLARED).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
