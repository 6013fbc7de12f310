package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/pro-sms/prosms/events"
	"github.com/pro-sms/prosms/events/audit"
	"github.com/pro-sms/prosms/ports"
)

const cureArchives = "PROSMS_ARCHIVES=FOLDER   # with every archive under the name that detached it; prosms archive verify FILE --log reads them whole"

// examineArchives looks whether every archive that payloads were detached to is at hand.
func (f *findings) examineArchives(ctx context.Context, c Config, log ports.EventStore) {
	archives, err := ports.ReadArchives(ctx, log)
	if err != nil {
		f.check("archives", "", cureArchives, err)
		return
	}
	for _, a := range archives {
		name := "archive " + a.Archive
		if err := begins(c.Archives, a); err != nil {
			f.add(warned, name, fmt.Sprintf("no view can be made anew without it: %v", err), cureArchives)
			continue
		}
		f.add(well, name, fmt.Sprintf("positions %d to %d", a.First, a.Last), "")
	}
}

// begins reports whether the archive is not there, or another.
func begins(folder string, a events.LogDetached) error {
	if folder == "" {
		return errors.New("PROSMS_ARCHIVES is not set")
	}
	file, err := os.OpenInRoot(folder, a.Archive)
	if err != nil {
		return err
	}
	defer file.Close()
	lines, err := audit.Unpack(file)
	if err != nil {
		return err
	}
	var first audit.Line
	line, err := bufio.NewReader(lines).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &first) != nil || first.Bundle == nil || first.Bundle.First != a.First || first.Bundle.Last != a.Last {
		return fmt.Errorf("the file of this name is not that of positions %d to %d", a.First, a.Last)
	}
	return nil
}
