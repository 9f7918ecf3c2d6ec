#!/usr/bin/env python3
"""Streams: a detector sends frames of samples on channel 1, and its temperature on channel 2. The
samples go through a queue to an analysis that has a thread of its own, and every tenth frame to a
monitor. The temperature goes to a third receiver.

Takes no arguments, and ends with 0 if all went as expected.
"""

import array
import queue
import struct
import sys

import rogue.interfaces.stream as ris

SAMPLES = 1000
SAMPLE_CHANNEL, TEMPERATURE_CHANNEL = 1, 2


class Detector(ris.Master):
    """Makes the frames."""

    def send_samples(self, first: int) -> None:
        samples = array.array("H", [first, first + 1] * (SAMPLES // 2))
        frame = self._reqFrame(SAMPLES * samples.itemsize, True)
        frame.write(samples)
        frame.setChannel(SAMPLE_CHANNEL)
        self._sendFrame(frame)

    def send_temperature(self, celsius: float) -> None:
        frame = self._reqFrame(4, True)
        frame.write(struct.pack("<f", celsius))
        frame.setChannel(TEMPERATURE_CHANNEL)
        self._sendFrame(frame)


class Analysis(ris.Slave):
    """Runs on the thread of the queue before it."""

    def __init__(self) -> None:
        super().__init__()
        self.sums: "queue.Queue[int]" = queue.Queue()

    def _acceptFrame(self, frame: ris.Frame) -> None:
        samples = array.array("H")
        with frame.lock():
            samples.frombytes(frame.getBa())
        self.sums.put(sum(samples))


class Thermometer(ris.Slave):
    """Keeps the latest temperature."""

    celsius = 0.0

    def _acceptFrame(self, frame: ris.Frame) -> None:
        (self.celsius,) = struct.unpack("<f", frame.getBa())


def main() -> int:
    detector, analysis, thermometer = Detector(), Analysis(), Thermometer()
    monitor = ris.Slave()  # counts

    # Frames are requested from the first road: 1000 of them may wait for the analysis.
    samples = ris.Filter(True, SAMPLE_CHANNEL)
    with ris.Fifo(1000, 0, True) as fifo:
        detector >> samples >> fifo >> analysis
        samples >> ris.RateDrop(False, 9) >> monitor
        detector >> ris.Filter(True, TEMPERATURE_CHANNEL) >> thermometer

        for number in range(100):
            detector.send_samples(number)
        detector.send_temperature(21.5)
        total = sum(analysis.sums.get(timeout=60) for _ in range(100))
        dropped = fifo.dropCnt()

    shown = monitor.getFrameCount()
    print(f"analysis: {total}, monitor: {shown} frames, {thermometer.celsius} degrees")
    expected = (1000 * 4950 + 500 * 100, 10, 21.5, 0)
    return 0 if (total, shown, thermometer.celsius, dropped) == expected else 1


if __name__ == "__main__":
    sys.exit(main())
