"""The torch side, public: what a supernet or a live training of your own needs to be metered and measured."""
