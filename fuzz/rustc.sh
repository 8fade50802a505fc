#!/bin/sh
# Stands before rustc (RUSTC_WRAPPER): what is looked at and the parsers below it are instrumented, the rest is not.
# The SDK alone has a million places to count, which made a build take twice and an input thirty times as long.
rustc=$1
shift
case "${CARGO_PKG_NAME:-}" in
  fuzz | shared | functions | base64 | form_urlencoded | http | jiff | jsonwebtoken | percent-encoding | serde_json | url)
    exec "$rustc" "$@"
    ;;
esac
for argument; do
  shift
  case "$argument" in
    -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-* | -Zsanitizer=*) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "$rustc" "$@"
