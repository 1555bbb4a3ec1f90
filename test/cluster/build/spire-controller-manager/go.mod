// Pins spire-controller-manager for `npm run peers -- cluster`, which builds it from a copy of this folder. One requirement:
// every other version follows from its own go.mod, and go.sum holds the hash of each.
module countersign.invalid/cluster/spire-controller-manager

go 1.26.5

require github.com/spiffe/spire-controller-manager v0.7.0
