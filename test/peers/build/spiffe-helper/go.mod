// Pins spiffe-helper for `npm run peers`, which builds it from a copy of this folder.
module countersign.invalid/peers/spiffe-helper

go 1.26

require github.com/spiffe/spiffe-helper v0.11.0
