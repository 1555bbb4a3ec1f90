package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// bindReadOnly takes two steps, as the kernel ignores all flags but one when it binds. What is half done is undone.
func bindReadOnly(source, target string) error {
	if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", source, target, err)
	}
	const flags = syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC
	if err := syscall.Mount("", target, "", flags, ""); err != nil {
		_ = syscall.Unmount(target, syscall.MNT_DETACH)
		return fmt.Errorf("make %s read-only: %w", target, err)
	}
	return nil
}

func unmount(target string) error {
	if err := syscall.Unmount(target, 0); err != nil {
		return fmt.Errorf("unmount %s: %w", target, err)
	}
	return nil
}

// isMounted asks the kernel's own list: a folder bound from the same file system has its device number, too.
func isMounted(target string) (bool, error) {
	list, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	wanted := filepath.Clean(target)
	for line := range strings.Lines(string(list)) {
		// The fifth field is where it is mounted; the kubelet's paths hold nothing that is written escaped there.
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == wanted {
			return true, nil
		}
	}
	return false, nil
}
