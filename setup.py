"""What pyproject.toml has no words for: a part that is compiled, where there is a C compiler. Without it everything
works, and audio is measured by numpy (ari_app/media/spectrum.py)."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "ari_app.media._measure",
            ["ari_app/media/_measure.c"],
            extra_compile_args=["-O3", "-fno-math-errno", "-fno-trapping-math"],
            libraries=["m"],
            optional=True,
        )
    ]
)
