// To be loaded before anything else: lets the wall clock of the process be wrong by the milliseconds in CLOCK_SHIFT.
const SHIFT = Number(process.env['CLOCK_SHIFT']);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...args: [] | ConstructorParameters<typeof Date>) {
    if (args.length === 0) super(RealDate.now() + SHIFT);
    else super(...args);
  }

  static override now(): number {
    return RealDate.now() + SHIFT;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
// The one other place where Node tells the wall clock.
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + SHIFT });
