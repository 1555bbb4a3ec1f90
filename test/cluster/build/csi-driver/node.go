package main

import (
	"context"
	"log"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Keys of a volume's context that the kubelet sets for a driver with podInfoOnMount.
const (
	ephemeralKey    = "csi.storage.k8s.io/ephemeral"
	podNamespaceKey = "csi.storage.k8s.io/pod.namespace"
	podNameKey      = "csi.storage.k8s.io/pod.name"
)

// node mounts the one folder it has into pods, and nothing else.
type node struct {
	csi.UnimplementedNodeServer
	id, source string
}

func (n node) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.id, MaxVolumesPerNode: 1}, nil
}

func (node) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

// NodePublishVolume refuses what spiffe-csi-driver refuses: a volume that outlives the pod, one it may write to, or one that is
// to be mounted in a way of its own.
func (n node) NodePublishVolume(_ context.Context, request *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	values := request.GetVolumeContext()
	switch {
	case request.GetVolumeId() == "" || request.GetTargetPath() == "":
		return nil, status.Error(codes.InvalidArgument, "volume ID and target path must be set")
	case values[ephemeralKey] != "true":
		return nil, status.Error(codes.InvalidArgument, "only ephemeral volumes are supported")
	case !request.GetReadonly():
		return nil, status.Error(codes.InvalidArgument, "the volume must be readOnly")
	case !isPlain(request.GetVolumeCapability().GetMount()):
		return nil, status.Error(codes.InvalidArgument, "the volume must be mounted plainly, without a file system type or flags")
	}
	if err := publish(n.source, request.GetTargetPath()); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	log.Printf("csi-driver: published to %s/%s", values[podNamespaceKey], values[podNameKey])
	return &csi.NodePublishVolumeResponse{}, nil
}

func (node) NodeUnpublishVolume(_ context.Context, request *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if request.GetTargetPath() == "" {
		return nil, status.Error(codes.InvalidArgument, "target path must be set")
	}
	if err := unpublish(request.GetTargetPath()); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// isPlain is false for a block device, too, which is no mount at all.
func isPlain(mount *csi.VolumeCapability_MountVolume) bool {
	return mount != nil && mount.GetFsType() == "" && len(mount.GetMountFlags()) == 0
}

// publish may be called again for the same pod: what is mounted already stays.
func publish(source, target string) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	mounted, err := isMounted(target)
	if err != nil || mounted {
		return err
	}
	return bindReadOnly(source, target)
}

// unpublish may be called again, too: what is gone stays gone.
func unpublish(target string) error {
	mounted, err := isMounted(target)
	if err != nil {
		return err
	}
	if mounted {
		if err := unmount(target); err != nil {
			return err
		}
	}
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
