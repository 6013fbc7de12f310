package segments

// Plain opens plain to the test that compares it with uniseg.
var Plain = plain
