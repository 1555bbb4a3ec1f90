// Pins etcd for `npm run peers -- cluster`, which builds it from a copy of this folder. One requirement: every other version
// follows from its own go.mod, and go.sum holds the hash of each.
module countersign.invalid/cluster/etcd

go 1.26.0

require go.etcd.io/etcd/server/v3 v3.6.14
