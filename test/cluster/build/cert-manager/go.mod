// Pins cert-manager for `npm run test:cluster`, which takes the definitions of its resources out of its sources. It is not built.
module countersign.invalid/cluster/cert-manager

go 1.26.0

require github.com/cert-manager/cert-manager v1.21.2
