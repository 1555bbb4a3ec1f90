// A verifier of caller chains, written from docs/reference/caller-chain.md with the standard library alone.
module countersign.invalid/peers/caller-chain

go 1.26.0
