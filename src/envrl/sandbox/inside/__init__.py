"""What runs on the far side of the wall: the zygote, its workers, and the model's program.

Nothing in here imports the rest of envrl. The zygote puts this folder's parent on its path and imports ``inside`` as a
package of its own: standard library, RestrictedPython and msgspec only. The host imports single modules from here
where both sides must agree (frames, the language policy's words).
"""
