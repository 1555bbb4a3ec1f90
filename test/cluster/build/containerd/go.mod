// Pins containerd for `npm run peers -- cluster`, which builds containerd, its shim for runc and ctr from a copy of this folder.
// One requirement: every other version follows from its own go.mod, and go.sum holds the hash of each.
module countersign.invalid/cluster/containerd

go 1.26.6

require github.com/containerd/containerd/v2 v2.4.2
