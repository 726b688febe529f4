"""A short chirp as the encoders of others write it (sox, flac, oggenc, opusenc, lame), and what libsndfile reads of each file.

    python record_sounds.py        writes recorded/sounds.json beside it
"""

import base64
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np
import soundfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
from recording import write  # noqa: E402

RATE = 16000
ENCODERS = {
    "pcm8.wav": "sox -D in.wav -b 8 out",
    "pcm16.wav": "sox -D in.wav out",
    "stereo.wav": "sox -D in.wav out remix 1 0",
    "pcm24.wav": "sox -D in.wav -b 24 out",
    "pcm32.wav": "sox -D in.wav -b 32 out",
    "float32.wav": "sox -D in.wav -e floating-point -b 32 out",
    "float64.wav": "sox -D in.wav -e floating-point -b 64 out",
    "chirp.flac": "flac --silent -f in.wav -o out",
    "ogg-flac.oga": "flac --silent -f --ogg in.wav -o out",
    "vorbis.ogg": "oggenc -Q --serial 1 in.wav -o out",
    "chirp.opus": "opusenc --quiet --serial 1 in.wav out",
    "chirp.mp3": "lame --quiet -b 64 in.wav out",
}


def main():
    t = np.arange(RATE // 10) / RATE
    chirp = np.round(12000 * np.sin(np.pi * t / t[-1]) * np.sin(2 * np.pi * (300 + 4000 * t) * t)).astype(np.int16)
    files = []
    with tempfile.TemporaryDirectory() as folder:
        with wave.open(f"{folder}/in.wav", "wb") as file:
            file.setparams((1, 2, RATE, len(chirp), "NONE", ""))
            file.writeframes(chirp.tobytes())
        for name, command in ENCODERS.items():
            subprocess.run(command.replace("out", name).split(), cwd=folder, check=True, stderr=subprocess.DEVNULL)
            # libsndfile reads no FLAC in Ogg; it is the same as FLAC alone.
            data, rate = soundfile.read(f"{folder}/{name.replace('ogg-flac.oga', 'chirp.flac')}", always_2d=True)
            read = {"rate": rate, "channels": data.shape[1], "count": len(data)}
            # Every fiftieth sample of the first channel is enough to compare.
            read["samples"] = [round(float(x), 7) for x in data[::50, 0]]
            files.append({"name": name, "bytes": base64.b64encode(pathlib.Path(folder, name).read_bytes()).decode()} | read)
    write(HERE / "recorded" / "sounds.json", files)


if __name__ == "__main__":
    main()
