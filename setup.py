"""What pyproject.toml has no words for: what is compiled, where there is a C compiler. Without it everything works:
numpy measures audio (ari_app/media/spectrum.py) and looks after RTP (ari_app/media/transports/rtp_streams.py)."""

from setuptools import Extension, setup

FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math"]

setup(
    ext_modules=[
        Extension(
            "ari_app.media._measure",
            ["ari_app/media/_measure.c"],
            extra_compile_args=FLAGS,
            libraries=["m"],
            optional=True,
        ),
        Extension(
            "ari_app.media.transports._streams",
            ["ari_app/media/transports/_streams.c"],
            # a product and a sum that are rounded once are another number than numpy's
            extra_compile_args=[*FLAGS, "-ffp-contract=off"],
            optional=True,
        ),
    ]
)
