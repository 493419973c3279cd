"""The media work in processes of its own: pool.py starts them and has the links in them, process.py is one of them."""
