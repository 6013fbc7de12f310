package ports

import "context"

// View is a table that a projection fills: an id, some key columns to search and
// sort by, and the row itself as a JSON document. Migrations create it under its
// name, the columns id (primary key) and doc, and the key columns.
type View struct {
	Name    string
	Columns []string
}

// Shadow is the view that a rebuild fills beside v.
func (v View) Shadow() View { return View{Name: ShadowOf(v.Name), Columns: v.Columns} }

// ShadowOf names the shadow of a view, and the checkpoint of its projection.
func ShadowOf(name string) string { return name + "_shadow" }

// SkipsOf names the stream of what operators have decided about a projection: its
// events projection.skipped.
func SkipsOf(projection string) string { return "projection_" + projection }

// Row is one row of a view.
type Row struct {
	ID   string
	Keys []any // values of View.Columns, in order: string, int64, time.Time (UTC) or nil
	Doc  []byte
}

// Views keeps the rows of projections and how far each has come. It is safe for
// concurrent use and obeys porttest.Views.
type Views interface {
	// Checkpoint returns the last position that a projection has applied; 0 for none.
	Checkpoint(ctx context.Context, projection string) (int64, error)

	// Advance runs apply in one transaction, alone for this projection, and
	// commits the rows it put together with the checkpoint it returns. An error
	// of apply rolls everything back and is returned. A crash of the database may
	// undo the last commits, each as a whole and the later ones with it.
	Advance(ctx context.Context, projection string, apply func(tx ViewTx, checkpoint int64) (int64, error)) error

	// Pass moves checkpoints past events that concern none of projections: those
	// that stand at from or later, and before to, then stand at to. It returns those
	// that stand before from, which stay there.
	Pass(ctx context.Context, projections []string, from, to int64) (behind []string, err error)

	// Find returns rows in the order that q names.
	Find(ctx context.Context, view View, q Query) ([]Row, error)

	// Count returns the number of rows for each value of a string column, of those
	// rows for which all conditions hold.
	Count(ctx context.Context, view View, column string, where ...Condition) (map[string]int64, error)

	// Sum adds up a whole number in the documents of the rows for which all conditions
	// hold, and counts these rows. It reads each of them, where they are kept.
	Sum(ctx context.Context, view View, s Sum, where ...Condition) (rows, sum int64, err error)

	// Snapshot runs read on a view and its checkpoint as they were together at
	// one moment. The view goes on moving meanwhile, but is not swapped.
	Snapshot(ctx context.Context, projection string, view View, read func(ViewSnapshot) error) error

	Shadows
}

// Shadows lets a view be rebuilt beside the live one. The shadow is a view like
// any other, and has the checkpoint ShadowOf its projection.
type Shadows interface {
	// MakeShadow makes an empty table for view.Shadow(), unless it is there.
	MakeShadow(ctx context.Context, view View) error

	// IndexShadow makes those indexes of a filled shadow that the view has, which may
	// take long. Otherwise Swap does.
	IndexShadow(ctx context.Context, view View) error

	// Swap puts the shadow's rows and checkpoint in the place of the live ones,
	// at once, and the shadow is gone. It is refused, wrapping ErrConflict, while
	// the shadow is behind the live view or somebody reads that for long.
	Swap(ctx context.Context, projection string, view View) error

	// DropShadow forgets a shadow and its checkpoint. Without one it does nothing.
	DropShadow(ctx context.Context, projection string, view View) error
}

// ViewSnapshot is a view at one moment.
type ViewSnapshot interface {
	Checkpoint() int64
	Find(ctx context.Context, q Query) ([]Row, error)
}

// ViewTx is a view within Advance. It is not safe for concurrent use.
type ViewTx interface {
	// Get returns the rows that exist among ids, by id.
	Get(ctx context.Context, view View, ids []string) (map[string]Row, error)

	// Put inserts or replaces rows.
	Put(ctx context.Context, view View, rows []Row) error

	// Insert inserts rows, cheaper than Put. Where an id exists it is refused, and
	// Advance fails.
	Insert(ctx context.Context, view View, rows []Row) error

	// Delete removes those rows that exist among ids.
	Delete(ctx context.Context, view View, ids []string) error
}

// Query selects rows of a view: all conditions hold, sorted by OrderBy and then
// by id in the same direction.
type Query struct {
	Where   []Condition
	OrderBy string // a key column; rows in which it is null come never
	Desc    bool
	After   *Cursor // only rows that come after it in the order
	Limit   int     // 1 or more
}

// Sum names what is added up, by members of the documents.
type Sum struct {
	Of     string // a whole number; a row without it has 0
	Unless string // rows in which this is true are left out
}

// Condition compares a key column with a value.
type Condition struct {
	Column string
	Op     Op
	Value  any
}

// Op is a comparison. Null never holds.
type Op string

// The comparisons.
const (
	Equal   Op = "="
	AtLeast Op = ">="
	Before  Op = "<"
	AtMost  Op = "<="
)

// Cursor is a place in an order.
type Cursor struct {
	Key any
	ID  string
}
