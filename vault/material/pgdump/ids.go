package pgdump

// Ids of the checks, in the order in which they run.
const (
	// A dump can be read and goes on to its own end.
	CheckComplete = "PGDUMP-COMPLETE"
	// What a dump holds can be read, not only its outline.
	CheckContents = "PGDUMP-CONTENTS"
	// The node's own id and the ledger's id for it are the same.
	CheckNode = "PGDUMP-NODE"
	// The private key of a participant's namespace is in its dump.
	CheckNamespaceKey = "PGDUMP-NAMESPACE-KEY"

	// A dump of Splice's apps has its participant's beside it, and the reverse.
	CheckSplicePair = "PGDUMP-SPLICE-PAIR"
	// Apps and participant are at the same migration.
	CheckSpliceMigration = "PGDUMP-SPLICE-MIGRATION"
	// The apps' dump was complete before the participant's began.
	CheckSpliceOrder = "PGDUMP-SPLICE-ORDER"
	// Weaker evidence contradicts the stronger one: the set fits, its schedule does not.
	CheckSpliceSchedule = "PGDUMP-SPLICE-SCHEDULE"

	// Both volumes of files are beside an aleph.im database.
	CheckAlephFiles = "PGDUMP-ALEPH-FILES"
	// The files are not older than the database.
	CheckAlephOrder = "PGDUMP-ALEPH-ORDER"
	// As CheckSpliceSchedule.
	CheckAlephSchedule = "PGDUMP-ALEPH-SCHEDULE"
)
