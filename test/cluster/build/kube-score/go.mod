// Pins kube-score for `npm run peers -- manifests`, which builds it from a copy of this folder. One requirement: every other
// version follows from its own go.mod, and go.sum holds the hash of each.
module countersign.invalid/cluster/kube-score

go 1.26.0

require github.com/zegl/kube-score v1.20.0
