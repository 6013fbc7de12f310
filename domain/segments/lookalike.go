package segments

// The table below is that of Twilio's message-segment-calculator
// (src/libs/SmartEncodingMap):
//
// The MIT License (MIT)
//
// Copyright (c) 2021 Twilio Inc
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.

// lookalike returns what stands for r in GSM-7, which may be nothing, and whether
// there is such a replacement.
func lookalike(r rune) (string, bool) {
	switch r {
	case 0x0000, 0x0003, 0x0004, 0x0010, 0x0011, 0x0012, 0x0013, 0x0014, 0x0017, 0x0019, 0x200B, 0x2060,
		0xFEFF:
		return "", true
	case 0x2001, 0x2028, 0x2029:
		return " ", true
	case 0x01C3, 0xFE15, 0xFE57, 0xFF01:
		return "!", true
	case 0x00AB, 0x00BB, 0x02BA, 0x02EE, 0x201C, 0x201D, 0x201E, 0x201F, 0x275D, 0x275E, 0x301D, 0x301E,
		0xFF02:
		return `"`, true
	case 0xFE5F, 0xFF03:
		return "#", true
	case 0xFE69, 0xFF04:
		return "$", true
	case 0xFE6A, 0xFF05:
		return "%", true
	case 0xFE60, 0xFF06:
		return "&", true
	case 0x0060, 0x00B4, 0x02B9, 0x02BB, 0x02BC, 0x02BD, 0x02C8, 0x02CA, 0x02CB, 0x0313, 0x0314, 0x2017,
		0x2018, 0x2019, 0x201B, 0x275B, 0x275C, 0xFE10, 0xFE11, 0xFF07:
		return "'", true
	case 0x2768, 0x276A, 0x27EE, 0x2985, 0xFE59, 0xFF08:
		return "(", true
	case 0x2769, 0x276B, 0x27EF, 0x2986, 0xFE5A, 0xFF09:
		return ")", true
	case 0x204E, 0x2217, 0x229B, 0x2722, 0x2723, 0x2724, 0x2725, 0x2731, 0x2732, 0x2733, 0x273A, 0x273B,
		0x273C, 0x273D, 0x2743, 0x2749, 0x274A, 0x274B, 0x29C6, 0xFE61, 0xFF0A:
		return "*", true
	case 0x02D6, 0xFE62, 0xFF0B:
		return "+", true
	case 0x0326, 0x201A, 0x3001, 0xFE50, 0xFE51, 0xFF0C, 0xFF64:
		return ",", true
	case 0x2010, 0x2013, 0x2014, 0x2015, 0x2022, 0x2043, 0x23BC, 0x23BD, 0xFE63, 0xFF0D:
		return "-", true
	case 0x3002, 0xFE52, 0xFF0E, 0xFF61:
		return ".", true
	case 0x00F7, 0x0337, 0x0338, 0x2044, 0x2215, 0x29F8, 0xFF0F:
		return "/", true
	case 0xFF10:
		return "0", true
	case 0xFF11:
		return "1", true
	case 0xFF12:
		return "2", true
	case 0xFF13:
		return "3", true
	case 0xFF14:
		return "4", true
	case 0xFF15:
		return "5", true
	case 0xFF16:
		return "6", true
	case 0xFF17:
		return "7", true
	case 0xFF18:
		return "8", true
	case 0xFF19:
		return "9", true
	case 0x02D0, 0x02F8, 0x2982, 0xA789, 0xFE13, 0xFF1A:
		return ":", true
	case 0x204F, 0xFE14, 0xFE54, 0xFF1B:
		return ";", true
	case 0x203A, 0xFE64, 0xFF1C:
		return "<", true
	case 0x0347, 0xA78A, 0xFE66, 0xFF1D:
		return "=", true
	case 0x2039, 0xFE65, 0xFF1E:
		return ">", true
	case 0xFE16, 0xFE56, 0xFF1F:
		return "?", true
	case 0xFE6B, 0xFF20:
		return "@", true
	case 0x1D00, 0xFF21:
		return "A", true
	case 0x0299, 0xFF22:
		return "B", true
	case 0x1D04, 0xFF23:
		return "C", true
	case 0x1D05, 0xFF24:
		return "D", true
	case 0x1D07, 0xFF25:
		return "E", true
	case 0xA730, 0xFF26:
		return "F", true
	case 0x0262, 0xFF27:
		return "G", true
	case 0x029C, 0xFF28:
		return "H", true
	case 0x026A, 0xFF29:
		return "I", true
	case 0x1D0A, 0xFF2A:
		return "J", true
	case 0x1D0B, 0xFF2B:
		return "K", true
	case 0x029F, 0xFF2C:
		return "L", true
	case 0x1D0D, 0xFF2D:
		return "M", true
	case 0x0274, 0xFF2E:
		return "N", true
	case 0x1D0F, 0xFF2F:
		return "O", true
	case 0x1D18, 0xFF30:
		return "P", true
	case 0xFF31:
		return "Q", true
	case 0x0280, 0xFF32:
		return "R", true
	case 0xA731, 0xFF33:
		return "S", true
	case 0x1D1B, 0xFF34:
		return "T", true
	case 0x1D1C, 0xFF35:
		return "U", true
	case 0x1D20, 0xFF36:
		return "V", true
	case 0x1D21, 0xFF37:
		return "W", true
	case 0xFF38:
		return "X", true
	case 0x028F, 0xFF39:
		return "Y", true
	case 0x1D22, 0xFF3A:
		return "Z", true
	case 0xFF3B:
		return "[", true
	case 0x20E5, 0x29F5, 0x29F9, 0xFE68, 0xFF3C:
		return "\\", true
	case 0xFF3D:
		return "]", true
	case 0x02C6, 0x0302, 0x1DCD, 0xFF3E:
		return "^", true
	case 0x0332, 0xFF3F:
		return "_", true
	case 0x2774, 0xFE5B, 0xFF5B:
		return "{", true
	case 0x20D2, 0x20D3, 0x2223, 0x239C, 0x239F, 0x23B8, 0x23B9, 0x23D0, 0xFF5C:
		return "|", true
	case 0x2775, 0xFE5C, 0xFF5D:
		return "}", true
	case 0x02DC, 0x02F7, 0x0303, 0x0330, 0x0334, 0x223C, 0xFF5E:
		return "~", true
	case 0x0080, 0x008D, 0x0090, 0x009B, 0x009F, 0x00A0, 0x2000, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
		0x2007, 0x2008, 0x2009, 0x200A, 0x202F, 0x205F, 0x3000:
		return "  ", true
	case 0x203C:
		return "!!", true
	case 0x2026:
		return "...", true
	case 0x00BD:
		return "1/2", true
	case 0x00BC:
		return "1/4", true
	case 0x00BE:
		return "3/4", true
	case 0x0009:
		return "       ", true
	}
	return "", false
}
