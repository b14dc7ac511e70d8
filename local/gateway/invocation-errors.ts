/** Raised where a function has not answered within the gateway's limit. */
export class FunctionTimedOut extends Error {
  override readonly name = "FunctionTimedOut";

  constructor(timeoutMilliseconds: number) {
    super(`The function has run out of its ${timeoutMilliseconds / 1_000} s`);
  }
}

/** Raised where nobody is left to stream to. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";

  constructor() {
    super("The client has left before the end of the stream");
  }
}
