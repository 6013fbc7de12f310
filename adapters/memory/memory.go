// Package memory implements ports inside the process: the model that the durable
// adapters are compared with, and what tests and the demo run on.
package memory
