import { ulid } from "ulid";
import { expect, test } from "vitest";
import type { JobQueue } from "../../core/ports.ts";

/** What every queue of hints does. `makeQueue` answers an empty one. MiniStack's does not know what it has deleted. */
export function jobQueueContract(makeQueue: () => Promise<JobQueue>, { knowsDeleted = true } = {}): void {
  const hintOf = (attempt: number) => ({ jobId: ulid(), attempt });
  const patient = () => new AbortController().signal;

  test("A hint that was sent is received as it was", async () => {
    const queue = await makeQueue();
    const hint = hintOf(2);
    await queue.send(hint);

    expect((await queue.receive(patient()))?.hint).toEqual(hint);
  });

  test("A hint that is sent while somebody waits is received at once", async () => {
    const queue = await makeQueue();
    const hint = hintOf(1);
    const waiting = queue.receive(patient());

    await queue.send(hint);

    expect((await waiting)?.hint).toEqual(hint);
  });

  test("A hint that somebody holds or has deleted is given to nobody else", async () => {
    const queue = await makeQueue();
    const [deleted, held, next] = [hintOf(1), hintOf(2), hintOf(3)];
    await queue.send(deleted);
    await (await queue.receive(patient()))?.delete();
    await queue.send(held);
    await queue.receive(patient());
    await queue.send(next);

    expect((await queue.receive(patient()))?.hint).toEqual(next);
  });

  test.runIf(knowsDeleted)("A hint that is deleted twice is deleted", async () => {
    const queue = await makeQueue();
    await queue.send(hintOf(1));
    const received = await queue.receive(patient());

    await received?.delete();

    await expect(received?.delete()).resolves.toBeUndefined();
  });

  test("An abort ends the wait without a hint", async () => {
    const queue = await makeQueue();
    const controller = new AbortController();
    const waiting = queue.receive(controller.signal);

    controller.abort();

    expect(await waiting).toBeUndefined();
  });

  test("Who has been told to stop already does not wait", async () => {
    const queue = await makeQueue();

    expect(await queue.receive(AbortSignal.abort())).toBeUndefined();
  });

  test("The hint after an abandoned wait is not lost", async () => {
    const queue = await makeQueue();
    const controller = new AbortController();
    const abandoned = queue.receive(controller.signal);
    controller.abort();
    await abandoned;
    const hint = hintOf(1);

    await queue.send(hint);

    expect((await queue.receive(patient()))?.hint).toEqual(hint);
  });
}
