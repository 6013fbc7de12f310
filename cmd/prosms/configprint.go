package main

import "fmt"

type configCommand struct {
	Print configPrint `cmd:"" help:"Print every setting, its value and where that comes from. Secrets are masked; a reference to one is not."`
}

type configPrint struct {
	JSON bool `name:"json" help:"Print JSON, with what each setting means."`
}

// Run prints the settings also where some are wrong, which it then says.
func (c configPrint) Run(p process) error {
	config, faults := loadConfig(p.Environ)
	if faults != nil {
		faults = fmt.Errorf("reading configuration:\n%w", faults)
	}
	if c.JSON {
		settings := make([]printedSetting, len(config.shown))
		for i, s := range config.shown {
			settings[i] = printedSetting(s)
		}
		if err := printJSON(p.Stdout, settings); err != nil {
			return err
		}
		return faults
	}
	t := newTable(p.Stdout, "SETTING", "VALUE", "FROM")
	for _, s := range config.shown {
		t.row(s.Name, s.Value, s.Origin)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return faults
}

// printedSetting is a web.Setting in JSON.
type printedSetting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	About  string `json:"about"`
}
