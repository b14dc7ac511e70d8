/** Raised where another program listens on the port already. */
export class PortInUse extends Error {
  override readonly name = "PortInUse";
  readonly port: number;

  constructor(port: number, options?: ErrorOptions) {
    super(
      `Port ${port} is in use by another program. Stop it, or take another port: PORT=${port + 1} npm start`,
      options,
    );
    this.port = port;
  }
}
