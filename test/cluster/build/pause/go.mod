// The process that holds a pod's namespaces, for `npm run peers -- cluster`. Without dependencies.
module countersign.invalid/cluster/pause

go 1.26.0
