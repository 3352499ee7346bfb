package ledger

// Validate refuses an event that no line of a ledger can hold, before anything is written.
func Validate(e Event) error { return e.validate() }
