package ledger

import "errors"

// Kind of a medium. Paper is a set of pages; a card is no medium, since it holds no
// generation. Disk is one that is built into a machine, Memory a file system that power
// takes with it, Folder one whose device is not known.
type Kind string

// The kinds.
const (
	USB     Kind = "usb"
	Paper   Kind = "paper"
	Optical Kind = "optical"
	Disk    Kind = "disk"
	Network Kind = "network"
	Memory  Kind = "memory"
	Folder  Kind = "folder"
)

// Result of a check of a medium.
type Result string

// The results. Only a MediumLog has the first two: a generation was put there and read back,
// and one is about to be removed because newer ones are whole. It has incomplete where one that
// was removed is about to be written again.
const (
	Written    Result = "written"
	Removed    Result = "removed"
	Whole      Result = "whole"
	Repaired   Result = "repaired" // damaged, and whole again
	Damaged    Result = "damaged"
	Incomplete Result = "incomplete"
)

// Copied tells that a generation was written to a medium; Proven, that it was read back
// from it. Device is the serial number or what else tells one device from another.
type Copied struct {
	Medium     string `json:"medium"`
	Kind       Kind   `json:"kind"`
	Device     string `json:"device,omitempty"`
	Model      string `json:"model,omitempty"`
	Generation int    `json:"generation"`
	Proven     bool   `json:"proven"`
}

func (Copied) kind() string { return "copy" }

func (e Copied) validate() error {
	if err := checkHex("medium", e.Medium, MediumIDSize); err != nil {
		return err
	}
	if err := checkOneOf("kind", e.Kind, USB, Paper, Optical, Disk, Network, Memory, Folder); err != nil {
		return err
	}
	if err := checkOptional("device", e.Device, maxName); err != nil {
		return err
	}
	if err := checkOptional("model", e.Model, maxName); err != nil {
		return err
	}
	return checkGeneration(e.Generation)
}

// Checked is the result of a check. Generation is the newest one that the medium holds.
type Checked struct {
	Medium     string `json:"medium"`
	Generation int    `json:"generation"`
	Result     Result `json:"result"`
	Findings   int    `json:"findings"`
}

func (Checked) kind() string { return "check" }

func (e Checked) validate() error {
	if err := checkHex("medium", e.Medium, MediumIDSize); err != nil {
		return err
	}
	if err := checkGeneration(e.Generation); err != nil {
		return err
	}
	if err := checkOneOf("result", e.Result, Whole, Repaired, Damaged, Incomplete); err != nil {
		return err
	}
	return checkRange("findings", e.Findings, 0, maxCount)
}

// Placed tells where a medium is kept, by whom and under which seal. Online means that
// it is plugged into a machine that has a network.
type Placed struct {
	Medium    string `json:"medium"`
	Place     string `json:"place"`
	Offsite   bool   `json:"offsite"`
	Online    bool   `json:"online"`
	Custodian string `json:"custodian,omitempty"`
	Seal      string `json:"seal,omitempty"`
}

func (Placed) kind() string { return "place" }

func (e Placed) validate() error {
	if err := checkHex("medium", e.Medium, MediumIDSize); err != nil {
		return err
	}
	if err := checkText("place", e.Place, maxName); err != nil {
		return err
	}
	if err := CheckCustodian(e.Custodian); err != nil {
		return err
	}
	return checkOptional("seal", e.Seal, maxName)
}

// CardChecked tells whether the share of one compartment on one card is the one it was
// made as.
type CardChecked struct {
	Set         string `json:"set"`
	Compartment string `json:"compartment"`
	Index       int    `json:"index"`
	Custodian   string `json:"custodian,omitempty"`
	Proven      bool   `json:"proven"`
}

func (CardChecked) kind() string { return "card" }

func (e CardChecked) validate() error {
	if err := checkHex("set", e.Set, 4); err != nil {
		return err
	}
	if err := checkOneOf("compartment", e.Compartment, "cold", "hot"); err != nil {
		return err
	}
	if err := checkRange("index", e.Index, 1, maxShares); err != nil {
		return err
	}
	return CheckCustodian(e.Custodian)
}

// Lost is a medium that is gone, or the share of a card. Whatever is copied to, checked
// or proven afterwards was found again.
type Lost struct {
	Medium string `json:"medium,omitempty"`
	Set    string `json:"set,omitempty"`
	Index  int    `json:"index,omitempty"`
}

func (Lost) kind() string { return "lost" }

func (e Lost) validate() error {
	if (e.Medium == "") == (e.Set == "") {
		return errors.New("it is either a medium or a card")
	}
	if e.Medium != "" {
		if e.Index != 0 {
			return errors.New("a medium has no index")
		}
		return checkHex("medium", e.Medium, MediumIDSize)
	}
	if err := checkHex("set", e.Set, 4); err != nil {
		return err
	}
	return checkRange("index", e.Index, 1, maxShares)
}
