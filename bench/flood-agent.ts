import * as z from "zod";

export const floodBytes = 100_000_000;
const lineBytes = 100;
const lineCount = floodBytes / lineBytes;
/** Each LF becomes CR and LF. */
export const floodBytesOnTerminal = floodBytes + lineCount;

/** Prints numbered lines in blocks of 64 kB, and at last how long its own writes took: all of them, and the longest. */
const program = `
use Time::HiRes "time";
my ($filler, $total, $longest) = ("x" x 89, 0, 0);
for (my $first = 0; $first < ${lineCount}; $first += 640) {
  my $last = $first + 639 < ${lineCount} ? $first + 639 : ${lineCount} - 1;
  my $block = join "", map { sprintf "%09d %s\\n", $_, $filler } $first .. $last;
  while (length $block) {
    my $begin = time;
    my $written = syswrite STDOUT, $block;
    my $took = time - $begin;
    $total += $took;
    $longest = $took if $took > $longest;
    substr $block, 0, $written, "";
  }
}
printf "%s{\\"total\\":%d,\\"longest\\":%d}\\n", "flooded ", $total * 1000, $longest * 1000;
`;

/** The shell command of an agent that floods its pane. */
export const floodCommand = `perl -e '${program}'`;

/** Milliseconds that the agent has spent in its writes. */
const WriteTimes = z.object({ total: z.number(), longest: z.number() });
export type WriteTimes = z.infer<typeof WriteTimes>;

/** What the agent has printed as its last line; undefined if it is not (yet) there. */
export function writeTimesIn(text: string): WriteTimes | undefined {
  const json = /flooded (\{.*\})\r?\n/.exec(text)?.[1];
  return json === undefined ? undefined : WriteTimes.parse(JSON.parse(json));
}

/** Whether the text is the flood's end: numbered lines without a gap up to the last one, and the agent's own line. */
export function isEndOfFlood(text: string): boolean {
  const lines = text.split("\r\n");
  const numbers = lines.slice(1, -2).map((line) => Number(/^(\d{9}) x{89}$/.exec(line)?.[1] ?? Number.NaN));
  const isDense = numbers.every((number, index) => number === lineCount - numbers.length + index);
  return numbers.length > 0 && isDense && writeTimesIn(text) !== undefined && lines.at(-1) === "";
}
