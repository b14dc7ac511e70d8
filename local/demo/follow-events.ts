import { setTimeout as delay } from "node:timers/promises";
import { JobEvent } from "../../core/job-events.ts";

/** A job's events as they come, over server-sent events; resumes where a stream ended, until the job's last event. */
export async function* followEvents(eventsUrl: string): AsyncIterable<JobEvent> {
  let lastSeq = 0;
  for (;;) {
    const headers = { Accept: "text/event-stream", "Last-Event-ID": String(lastSeq) };
    const response = await fetch(eventsUrl, { headers });
    if (!response.ok || response.body === null) throw new Error(`The events cannot be read: ${await response.text()}`);
    for await (const data of dataLines(response.body)) {
      const event = JobEvent.parse(JSON.parse(data));
      if (event.seq !== lastSeq + 1) throw new Error(`Event ${lastSeq + 1} is missing.`);
      lastSeq = event.seq;
      yield event;
      if (event.type === "job_finished") return;
    }
    await delay(250);
  }
}

async function* dataLines(body: ReadableStream<Uint8Array>): AsyncIterable<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data: ")) yield line.slice("data: ".length);
  }
}
