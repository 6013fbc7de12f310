package arch

import (
	"go/ast"
	"slices"
	"strconv"
)

// shared is what net/http shares among everybody: calls without a time limit that
// follow redirects to wherever they lead.
var shared = []string{"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"}

// outbound returns where a program calls out by what net/http shares.
func (s source) outbound() []Fault {
	name := ""
	for _, spec := range s.syntax.Imports {
		if imported, _ := strconv.Unquote(spec.Path.Value); imported == "net/http" {
			name = "http"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	var faults []Fault
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && x.Name == name && slices.Contains(shared, selector.Sel.Name) {
			faults = append(faults, s.at(selector.Pos(), "http.%s is unbounded and follows redirects: see ports/httpcall", selector.Sel.Name))
		}
		return true
	})
	return faults
}
